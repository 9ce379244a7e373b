using DineHub.AppHost.Prerequisites;

namespace DineHub.Tests.Failover;

/// <summary>
/// A cluster whose servers are started by way of a link: where that points elsewhere, a server has the other version from its next start on, as a machine has after its
/// deployment.
/// </summary>
public abstract class UpgradeFixture : FailoverFixture
{
    private readonly TemporaryDirectory place = new();

    /// <summary>The programs that the cluster starts with; null where the machine lacks a part.</summary>
    public abstract string? Before { get; }

    /// <summary>The link to the programs.</summary>
    public string Link => Path.Combine(place.Path, "bin");

    protected abstract string After { get; }

    protected override IEnumerable<(string Key, string Value)> Settings => [("Database:Shards", $"{GrowthFixture.Shards}")];

    protected override string PostgresDirectory => Link;

    public override async Task InitializeAsync()
    {
        if (Before is { } before && TestEngine.Missing is null)
        {
            Point(before);
            await base.InitializeAsync();
        }
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        place.Dispose();
    }

    /// <summary>From now on servers start with the version of afterwards.</summary>
    public void Install() => Point(After);

    /// <summary>From now on servers start with the version of before.</summary>
    public void Remove() => Point(Before!);

    private void Point(string directory)
    {
        File.Delete(Link);
        File.CreateSymbolicLink(Link, directory);
    }
}

/// <summary>From the former minor version of Citus to the installed one.</summary>
public sealed class CitusUpgradeFixture : UpgradeFixture
{
    public override string? Before => TestEngine.Former;

    protected override string After => PostgresInstallation.Find().BinDirectory;
}

/// <summary>From the installed PostgreSQL to a newer major version.</summary>
public sealed class PostgresUpgradeFixture : UpgradeFixture
{
    public override string? Before => TestEngine.Next is null ? null : PostgresInstallation.Find().BinDirectory;

    protected override string After => TestEngine.Next!;
}
