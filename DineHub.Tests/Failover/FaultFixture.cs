using DineHub.AppHost.Prerequisites;

namespace DineHub.Tests.Failover;

/// <summary>One cluster for the tests of faults that are mended without a promotion.</summary>
[CollectionDefinition(Name)]
public sealed class FaultCollection : ICollectionFixture<FaultFixture>
{
    public const string Name = "Faults";
}

/// <summary>A cluster of which one worker has a disk of its own, a small one, where the tests may mount one.</summary>
public sealed class FaultFixture : FailoverFixture
{
    /// <summary>The server on the small disk.</summary>
    public const string SmallWorker = "db-worker-2";

    /// <summary>The disk; null where it can't be had.</summary>
    internal SmallDisk? Disk { get; private set; }

    protected override async Task BeforeStartAsync()
    {
        if (SmallDisk.Missing is null)
        {
            Disk = await SmallDisk.MountAsync(Server(SmallWorker).Home, UnprivilegedUser.Find()!);
        }
    }

    protected override async Task AfterStopAsync()
    {
        if (Disk is not null)
        {
            await Disk.DisposeAsync();
        }
    }
}
