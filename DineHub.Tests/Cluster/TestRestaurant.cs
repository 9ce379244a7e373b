using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace DineHub.Tests.Cluster;

/// <summary>A restaurant of a test's own, created by the operators' key: a burger with sizes and extras, fries, a cake.</summary>
internal sealed class TestRestaurant
{
    private const string Menu = """
        { "categories": [ { "id": "mains", "name": "Mains", "items": [
          { "id": "burger", "name": "Burger", "description": "Beef", "price": 1000, "allergens": ["gluten"], "dietary": [], "modifierGroups": [
            { "id": "size", "name": "Size", "min": 1, "max": 1, "options": [
              { "id": "regular", "name": "Regular", "price": 0 }, { "id": "large", "name": "Large", "price": 300 } ] },
            { "id": "extras", "name": "Extras", "min": 0, "max": 2, "options": [
              { "id": "cheese", "name": "Cheese", "price": 100 }, { "id": "bacon", "name": "Bacon", "price": 200 } ] } ] },
          { "id": "fries", "name": "Fries", "description": "", "price": 405, "allergens": [], "dietary": ["vegan"], "modifierGroups": [] },
          { "id": "cake", "name": "Cake", "description": "", "price": 500, "allergens": ["eggs"], "dietary": [], "modifierGroups": [] } ] } ] }
        """;

    private readonly ClusterFixture fixture;

    private TestRestaurant(ClusterFixture fixture, Guid id)
    {
        this.fixture = fixture;
        Id = id;
    }

    public Guid Id { get; }

    public string Path => $"/api/v1/restaurants/{Id}";

    public static JsonObject AllWeek() => new()
    {
        ["weekly"] = new JsonArray([.. Enum.GetNames<DayOfWeek>().Select(day => (JsonNode)new JsonObject { ["day"] = day, ["opens"] = "00:00", ["closes"] = "00:00" })]),
        ["exceptions"] = new JsonArray(),
    };

    public static JsonObject NeverOpen() => new() { ["weekly"] = new JsonArray(), ["exceptions"] = new JsonArray() };

    /// <summary>A profile that is open at all times, in Lisbon, and delivers 5 km around.</summary>
    public static JsonObject Profile(Action<JsonObject>? change = null)
    {
        var profile = new JsonObject
        {
            ["name"] = "Test kitchen",
            ["city"] = "Lisbon",
            ["address"] = "Rua de Teste 1",
            ["latitude"] = 38.7223,
            ["longitude"] = -9.1393,
            ["cuisines"] = new JsonArray("Burgers"),
            ["tax"] = new JsonObject { ["rateBasisPoints"] = 1000, ["included"] = false },
            ["timeZone"] = "Europe/Lisbon",
            ["openingHours"] = AllWeek(),
            ["delivery"] = new JsonObject { ["radiusMeters"] = 5000, ["fee"] = 250 },
        };
        change?.Invoke(profile);
        return profile;
    }

    public static async Task<TestRestaurant> CreateAsync(ClusterFixture fixture, Action<JsonObject>? change = null, string region = "eu-west-1")
    {
        using var request = fixture.StaffRequest(HttpMethod.Post, "/api/v1/restaurants", new JsonObject
        {
            ["slug"] = "test-" + Guid.NewGuid().ToString("n"),
            ["region"] = region,
            ["currency"] = "EUR",
            ["profile"] = Profile(change),
        });
        using var response = await fixture.Eu.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.Created, await response.Content.ReadAsStringAsync());
        var restaurant = new TestRestaurant(fixture, (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetGuid());
        (await restaurant.ReplaceMenuAsync(MenuDocument())).Status.ShouldBe(HttpStatusCode.OK);
        return restaurant;
    }

    public static JsonObject MenuDocument(Action<JsonObject>? change = null)
    {
        var menu = JsonNode.Parse(Menu)!.AsObject();
        change?.Invoke(menu);
        return menu;
    }

    /// <summary>The first item of that id in a menu document.</summary>
    public static JsonObject Item(JsonObject menu, string id) => menu["categories"]!.AsArray()
        .SelectMany(category => category!["items"]!.AsArray()).Select(item => item!.AsObject()).First(item => (string?)item["id"] == id);

    public static JsonObject Basket(params (string Item, int Quantity)[] lines) => new()
    {
        ["fulfilment"] = new JsonObject { ["type"] = "Table", ["table"] = "4" },
        ["lines"] = new JsonArray([.. lines.Select(line => (JsonNode)new JsonObject
        {
            ["itemId"] = line.Item,
            ["quantity"] = line.Quantity,
            ["options"] = line.Item == "burger" ? new JsonArray("regular") : new JsonArray(),
        })]),
    };

    public static JsonObject Delivery(JsonObject basket, double latitude, double longitude)
    {
        basket["fulfilment"] = new JsonObject { ["type"] = "Delivery", ["address"] = "Rua 2", ["latitude"] = latitude, ["longitude"] = longitude };
        return basket;
    }

    /// <summary>The same order, to be placed.</summary>
    public static JsonObject Named(JsonObject basket)
    {
        var order = basket.DeepClone().AsObject();
        order["customer"] = new JsonObject { ["name"] = "Ada", ["phone"] = "+351 210 000 000" };
        return order;
    }

    public Task<Answer> ReplaceMenuAsync(JsonObject menu, string ifMatch = "*") => AsOperatorAsync(HttpMethod.Put, "/menu", menu, ifMatch);

    public Task<Answer> PlaceAsync(JsonObject basket, HttpClient? client = null, string? key = null, string? token = null) =>
        SendAsync(HttpMethod.Post, "/orders", Named(basket), client: client, headers: [("Idempotency-Key", key ?? Guid.NewGuid().ToString())], token: token);

    public Task<Answer> QuoteAsync(JsonObject basket, HttpClient? client = null) => SendAsync(HttpMethod.Post, "/quotes", basket, client: client);

    public async Task<JsonElement> MenuAsync(HttpClient? client = null) => (await SendAsync(HttpMethod.Get, "/menu", client: client)).Json;

    public Task<Answer> AsOperatorAsync(HttpMethod method, string path, object? body = null, string? ifMatch = null, HttpClient? client = null) =>
        SendAsync(method, path, body, client, ifMatch is null ? [] : [("If-Match", ifMatch)], fixture.Cluster.OperatorKey);

    /// <summary>Moves an order to a stage, as the kitchen does.</summary>
    public async Task AdvanceAsync(Guid orderId, string status, string? reason = null, HttpClient? client = null) =>
        (await AsOperatorAsync(HttpMethod.Post, $"/orders/{orderId}/status", new { status, reason }, client: client)).Status.ShouldBe(HttpStatusCode.OK);

    public async Task<Answer> SendAsync(
        HttpMethod method, string path, object? body = null, HttpClient? client = null, (string Name, string Value)[]? headers = null, string? token = null)
    {
        using var request = new HttpRequestMessage(method, Path + path) { Content = body is null ? null : JsonContent.Create(body) };
        foreach (var (name, value) in headers ?? [])
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        if (token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        using var response = await (client ?? fixture.Eu).SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return new Answer(response.StatusCode, text, response.Headers.ETag?.ToString(), response.Headers.RetryAfter is not null);
    }

    internal sealed record Answer(HttpStatusCode Status, string Text, string? ETag, bool RetryAfter)
    {
        public JsonElement Json => JsonDocument.Parse(Text).RootElement;

        public string? Reason => Json.GetProperty("reason").GetString();

        public Guid Id => Json.GetProperty("id").GetGuid();

        public IReadOnlyList<string> Fields => [.. Json.GetProperty("errors").EnumerateObject().Select(error => error.Name)];

        public Answer Expect(HttpStatusCode status)
        {
            Status.ShouldBe(status, Text);
            return this;
        }
    }
}
