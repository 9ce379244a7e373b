using System.Net;
using System.Text.Json;
using DineHub.Database.Cluster;
using DineHub.Database.Nodes;
using DineHub.Tests.Cluster;
using DineHub.Tests.Hosting;
using Npgsql;

namespace DineHub.Tests.Failover;

/// <summary>One cluster for all tests that break and mend its databases; each leaves a whole one behind, or makes it whole first.</summary>
[CollectionDefinition(Name)]
public sealed class FailoverCollection : ICollectionFixture<FailoverFixture>
{
    public const string Name = "Failover";
}

/// <summary>A cluster with standbys whose database nodes are killed and promoted. One backend a region, and little patience for a standby that has gone.</summary>
public class FailoverFixture : IAsyncLifetime
{
    private readonly TemporaryDirectory directory = new();
    private readonly Durability durability;

    public FailoverFixture()
        : this(Durability.Standby)
    {
    }

    protected FailoverFixture(Durability durability) => this.durability = durability;

    public TestCluster Cluster { get; private set; } = null!;

    public HttpClient Eu { get; private set; } = null!;

    public HttpClient Us { get; private set; } = null!;

    /// <summary>The restaurants of the seed, all of them open all week, each with the worker that holds it and a basket.</summary>
    public IReadOnlyList<(Guid Id, string Worker, object Basket)> Restaurants { get; private set; } = [];

    public DatabaseOptions Options => ClusterFixture.OptionsOf(Cluster);

    public virtual async Task InitializeAsync()
    {
        if (TestEngine.Missing is not null)
        {
            return;
        }

        Cluster = await TestCluster.CreateAsync(
            directory.Path,
            TestEngine.Name,
            PostgresDirectory,
            [
                .. ReferenceTopology.Differences,
                ("Regions:0:Backends", "1"),
                ("Regions:1:Backends", "1"),
                ("Database:StandbyTimeoutSeconds", "4"),
                ("Database:Durability", durability.ToString()),
                .. Settings,
            ]);
        await BeforeStartAsync();
        await Cluster.StartAsync().OrFailAsync("the cluster has started", Deadline.Cluster);
        Eu = Cluster.CreateClient(Cluster.Gateway("eu-west-1").Url);
        Us = Cluster.CreateClient(Cluster.Gateway("us-east-1").Url);
        await OpenAllWeekAsync();
        Restaurants = await ReadRestaurantsAsync();
    }

    public virtual async Task DisposeAsync()
    {
        Eu?.Dispose();
        Us?.Dispose();
        if (Cluster is not null)
        {
            await Cluster.StopAsync().OrFailAsync("the cluster has stopped", Deadline.Cluster);
            await AfterStopAsync();
            await Cluster.DisposeAsync().OrFailAsync("the cluster has been taken down", Deadline.Cluster);
        }

        directory.Dispose();
    }

    /// <summary>What else differs from the reference topology.</summary>
    protected virtual IEnumerable<(string Key, string Value)> Settings => [];

    /// <summary>The folder of PostgreSQL's programs; null for that of the environment.</summary>
    protected virtual string? PostgresDirectory => null;

    /// <summary>What a test needs of the machine before a server has data.</summary>
    protected virtual Task BeforeStartAsync() => Task.CompletedTask;

    /// <summary>Takes it back, before the folders are removed.</summary>
    protected virtual Task AfterStopAsync() => Task.CompletedTask;

    public ServerHandle Server(string name) => Cluster.Databases.First(server => server.Name == name);

    /// <summary>The servers that are the primary and the standby of a group now.</summary>
    public async Task<(ServerHandle Primary, ServerHandle Standby)> GroupAsync(string group)
    {
        var view = (await ViewAsync()).Groups.First(candidate => candidate.Group.Name == group);
        return (Server(view.Primary.Node.Name), Server(view.Standby!.Node.Name));
    }

    public Task<ClusterView> ViewAsync() => ClusterView.ReadAsync(Options, NodeConnections.AsAdministrator(Options), CancellationToken.None);

    /// <summary>Waits until every server runs and every group's commits are on both disks.</summary>
    public async Task HealAsync()
    {
        foreach (var server in Cluster.Databases)
        {
            server.Resume();
            await server.StartAsync(CancellationToken.None).OrFailAsync($"{server.Name} has started", Deadline.Cluster);
        }

        foreach (var group in Options.Groups)
        {
            await Eventually.TrueAsync(() => IsWholeAsync(group.Name), $"{group.Name} is whole");
        }
    }

    public async Task<bool> InSyncAsync(string group)
    {
        var view = await ViewAsync();
        return view.Groups.First(candidate => candidate.Group.Name == group) is { Primary.State: ServerState.Primary, Standby.State: ServerState.Standby, Record.InSync: true };
    }

    public async Task<HttpResponseMessage> PlaceAsync((Guid Id, string Worker, object Basket) restaurant, string? key = null, HttpClient? client = null) =>
        await ClusterFixture.PlaceAsync(client ?? Eu, $"/api/v1/restaurants/{restaurant.Id}/orders", restaurant.Basket, key);

    /// <summary>Waits until every restaurant takes an order again.</summary>
    public async Task TakeOrdersAsync()
    {
        foreach (var restaurant in Restaurants)
        {
            await Eventually.TrueAsync(
                async () =>
                {
                    using var response = await PlaceAsync(restaurant);
                    return response.StatusCode == HttpStatusCode.Created;
                },
                $"{restaurant.Id} on {restaurant.Worker} takes orders");
        }
    }

    /// <summary>Whether a group is as it is configured: a primary and a standby, and every acknowledged commit on as many disks as there should be.</summary>
    private async Task<bool> IsWholeAsync(string group)
    {
        if (durability == Durability.Standby)
        {
            return await InSyncAsync(group);
        }

        var view = await ViewAsync();
        return view.Groups.First(candidate => candidate.Group.Name == group) is { Primary.State: ServerState.Primary, Standby.State: ServerState.Standby };
    }

    public NpgsqlDataSource Connect(string server, string role = "postgres", string application = "test")
    {
        var builder = new NpgsqlConnectionStringBuilder(Server(server).AdminConnectionString("dinehub")) { ApplicationName = application, Pooling = false };
        if (role != "postgres")
        {
            (builder.Username, builder.Password) = (role, Options.Passwords[role]);
        }

        return NpgsqlDataSource.Create(builder.ConnectionString);
    }

    /// <summary>The keys of the orders of a restaurant, read where they are.</summary>
    public async Task<List<string>> KeysAsync(Guid restaurant)
    {
        await using var dataSource = NpgsqlDataSource.Create((await GroupAsync(Options.Coordinator.Name)).Primary.AdminConnectionString("dinehub") + ";Pooling=false");
        await using var command = dataSource.CreateCommand("SELECT idempotency_key FROM orders WHERE restaurant_id = $1");
        command.Parameters.AddWithValue(restaurant);
        await using var reader = await command.ExecuteReaderAsync();
        var keys = new List<string>();
        while (await reader.ReadAsync())
        {
            keys.Add(reader.GetString(0));
        }

        return keys;
    }

    // Whenever the tests run, every worker has restaurants that take orders.
    private async Task OpenAllWeekAsync()
    {
        await using var dataSource = Connect(Cluster.Coordinator.Name);
        await using var command = dataSource.CreateCommand(
            """
            UPDATE restaurants SET version = version + 1, opening_hours = jsonb_build_object('exceptions', '[]'::jsonb, 'weekly', (
                SELECT jsonb_agg(jsonb_build_object('day', day, 'opens', '00:00', 'closes', '00:00'))
                FROM unnest(ARRAY['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']) AS day))
            """);
        await command.ExecuteNonQueryAsync();
        await Eventually.TrueAsync(
            async () => (await Eu.GetStringAsync("/api/v1/restaurants?limit=100")).Split("\"opens\":\"00:00\"").Length == (12 * 7) + 1, "all restaurants are open all week");
    }

    private async Task<List<(Guid Id, string Worker, object Basket)>> ReadRestaurantsAsync()
    {
        using var page = JsonDocument.Parse(await Eu.GetStringAsync("/api/v1/restaurants?limit=100"));
        var ids = page.RootElement.GetProperty("items").EnumerateArray().Select(r => r.GetProperty("id").GetGuid()).ToList();
        var cluster = await DatabaseCluster.ResolveAsync(Options, CancellationToken.None);
        await using var coordinator = await cluster.OpenCoordinatorAsync(CancellationToken.None);
        var located = await (await cluster.EngineAsync(coordinator, CancellationToken.None)).LocateAsync(coordinator, ids, CancellationToken.None);
        var restaurants = new List<(Guid Id, string Worker, object Basket)>();
        foreach (var id in ids)
        {
            restaurants.Add((id, located[id], await ClusterFixture.AnyBasketAsync(Eu, id)));
        }

        return restaurants;
    }
}
