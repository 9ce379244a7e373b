using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using DineHub.Database.Cluster;
using DineHub.Tests.Hosting;

namespace DineHub.Tests.Cluster;

/// <summary>The reference cluster, started once for all tests that only use it, and those that break it and mend it again.</summary>
[CollectionDefinition(Name)]
public sealed class ClusterCollection : ICollectionFixture<ClusterFixture>
{
    public const string Name = "Cluster";
}

public class ClusterFixture : IAsyncLifetime
{
    private readonly TemporaryDirectory directory = new();

    public TestCluster Cluster { get; private set; } = null!;

    public HttpClient Eu { get; private set; } = null!;

    public HttpClient Us { get; private set; } = null!;

    /// <summary>The restaurants of the seed by slug, with the name of the worker that holds each.</summary>
    public IReadOnlyDictionary<string, (Guid Id, string Worker)> Restaurants { get; private set; } = null!;

    /// <summary>Those that take orders whenever the tests run.</summary>
    public IReadOnlySet<string> AlwaysOpen { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        if (TestEngine.Missing is not null)
        {
            return;
        }

        Cluster = await TestCluster.CreateAsync(directory.Path, TestEngine.Name, Settings);
        await Cluster.StartAsync().OrFailAsync("the cluster has started", Deadline.Cluster);
        Eu = Cluster.CreateClient(Cluster.Gateway("eu-west-1").Url);
        Us = Cluster.CreateClient(Cluster.Gateway("us-east-1").Url);
        await ReadSeedAsync();
    }

    public async Task DisposeAsync()
    {
        Eu?.Dispose();
        Us?.Dispose();
        if (Cluster is not null)
        {
            await Cluster.DisposeAsync().OrFailAsync("the cluster has stopped", Deadline.Cluster);
        }

        directory.Dispose();
    }

    /// <summary>The same cluster, asked through another client.</summary>
    /// <param name="client">The client, which stays the caller's.</param>
    internal ClusterFixture Through(HttpClient client)
    {
        var copy = (ClusterFixture)MemberwiseClone();
        copy.Eu = client;
        return copy;
    }

    public static HttpClient Client(Uri url) => new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = url, Timeout = TimeSpan.FromSeconds(60) };

    public Guid IdOf(string slug) => Restaurants[slug].Id;

    public string OrdersOf(string slug) => $"/api/v1/restaurants/{IdOf(slug)}/orders";

    /// <summary>A basket that fits the menu of trattoria-lucia: 2 × 1600 + 300.</summary>
    public static object Basket(int quantity = 2) => new
    {
        fulfilment = new { type = "Pickup" },
        customer = new { name = "Ada" },
        lines = new object[]
        {
            new { itemId = "margherita", quantity, options = new[] { "large", "olives" } },
            new { itemId = "still-water", quantity = 1 },
        },
    };

    public static async Task<HttpResponseMessage> PlaceAsync(HttpClient client, string orders, object body, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, orders) { Content = JsonContent.Create(body) };
        request.Headers.Add("Idempotency-Key", key ?? Guid.NewGuid().ToString());
        return await client.SendAsync(request);
    }

    /// <summary>An item without required options, as a basket, for any restaurant.</summary>
    public Task<object> AnyBasketAsync(string slug) => AnyBasketAsync(Eu, IdOf(slug));

    /// <summary>An item without required options, as a basket, for any restaurant.</summary>
    public static async Task<object> AnyBasketAsync(HttpClient client, Guid restaurant)
    {
        using var menu = JsonDocument.Parse(await client.GetStringAsync($"/api/v1/restaurants/{restaurant}/menu"));
        var item = menu.RootElement.GetProperty("categories").EnumerateArray()
            .SelectMany(category => category.GetProperty("items").EnumerateArray())
            .First(item => item.GetProperty("modifierGroups").EnumerateArray().All(group => group.GetProperty("min").GetInt32() == 0));
        return new { fulfilment = new { type = "Table", table = "7" }, lines = new[] { new { itemId = item.GetProperty("id").GetString(), quantity = 1 } } };
    }

    public HttpRequestMessage StaffRequest(HttpMethod method, string path, object? body = null) => new(method, path)
    {
        Headers = { Authorization = new AuthenticationHeaderValue("Bearer", Cluster.OperatorKey) },
        Content = body is null ? null : JsonContent.Create(body),
    };

    public async Task<long> CountOrdersAsync(string slug)
    {
        await using var dataSource = Npgsql.NpgsqlDataSource.Create(Cluster.ApiConnectionString);
        await using var command = dataSource.CreateCommand("SELECT count(*) FROM orders WHERE restaurant_id = $1");
        command.Parameters.AddWithValue(IdOf(slug));
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>The databases, as the <c>db</c> verbs see them.</summary>
    public DatabaseCluster Database() => new(OptionsOf(Cluster));

    /// <summary>How the <c>db</c> verbs are configured for a cluster.</summary>
    public static DatabaseOptions OptionsOf(TestCluster cluster)
    {
        var configuration = new Microsoft.Extensions.Configuration.ConfigurationManager();
        foreach (var (key, value) in cluster.DatabaseEnvironment)
        {
            configuration[key.Replace("__", ":", StringComparison.Ordinal)] = value;
        }

        return DatabaseOptions.Read(configuration);
    }

    /// <summary>The worker that holds each restaurant's or account's rows.</summary>
    public async Task<IReadOnlyDictionary<Guid, string>> LocateAsync(IReadOnlyCollection<Guid> ids)
    {
        var database = Database();
        await using var coordinator = await database.OpenCoordinatorAsync(CancellationToken.None);
        var engine = await database.EngineAsync(coordinator, CancellationToken.None);
        return await engine.LocateAsync(coordinator, ids, CancellationToken.None);
    }

    /// <summary>What differs from the reference topology.</summary>
    private protected virtual IEnumerable<(string Key, string Value)> Settings => ReferenceTopology.Differences;

    private async Task ReadSeedAsync()
    {
        using var page = JsonDocument.Parse(await Eu.GetStringAsync("/api/v1/restaurants?limit=100"));
        var seed = page.RootElement.GetProperty("items").EnumerateArray().ToList();
        AlwaysOpen = seed
            .Where(r => r.GetProperty("openingHours").GetProperty("weekly").EnumerateArray().Count(span => span.GetProperty("opens").GetString() == span.GetProperty("closes").GetString()) == 7)
            .Select(r => r.GetProperty("slug").GetString()!)
            .ToHashSet();
        var ids = seed.ToDictionary(r => r.GetProperty("slug").GetString()!, r => r.GetProperty("id").GetGuid());
        var located = await LocateAsync([.. ids.Values]);
        Restaurants = ids.ToDictionary(pair => pair.Key, pair => (pair.Value, located[pair.Value]));
    }
}
