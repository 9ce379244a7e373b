using DineHub.AppHost.Prerequisites;

namespace DineHub.Tests.Failover;

/// <summary>
/// A cluster on the former minor version of Citus. Its servers are started by way of a link: where that points elsewhere, a server has the other version from its next
/// start on, as a machine has after its deployment.
/// </summary>
public sealed class UpgradeFixture : FailoverFixture
{
    private readonly TemporaryDirectory place = new();

    protected override IEnumerable<(string Key, string Value)> Settings => [("Database:Shards", $"{GrowthFixture.Shards}")];

    protected override string PostgresDirectory => Link;

    private string Link => Path.Combine(place.Path, "bin");

    public override async Task InitializeAsync()
    {
        if (TestEngine.FormerCitus is { } former)
        {
            Point(former);
            await base.InitializeAsync();
        }
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        place.Dispose();
    }

    /// <summary>From now on servers start with the installed version.</summary>
    public void InstallNew() => Point(PostgresInstallation.Find().BinDirectory);

    private void Point(string directory)
    {
        File.Delete(Link);
        File.CreateSymbolicLink(Link, directory);
    }
}
