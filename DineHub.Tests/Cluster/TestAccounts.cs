using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace DineHub.Tests.Cluster;

/// <summary>Somebody who has signed in.</summary>
internal sealed record TestAccount(Guid Id, string Email, string Password, string AccessToken, string RefreshToken)
{
    public string Name => Email.Split('@')[0];
}

/// <summary>Accounts and restaurants of a test's own, made in the way that people make them.</summary>
internal static class TestAccounts
{
    public const string Item = "fries";
    public const string ItemWithOptions = "burger";
    public const string Option = "large";

    /// <summary>What one of <see cref="Item"/> costs delivered: 405, taxes of 41 and a fee of 250.</summary>
    public const long DeliveredTotal = 696;

    private const string Accounts = "/api/v1/accounts";

    /// <summary>Registers a fresh account and signs in.</summary>
    public static async Task<TestAccount> SignUpAsync(this ClusterFixture fixture, string? email = null)
    {
        email ??= $"user-{Guid.NewGuid():n}@example.org";
        var password = "secret-" + Guid.NewGuid();
        var account = await fixture.Eu.JsonAsync(
            HttpMethod.Post, Accounts, body: new { email, password, name = email.Split('@')[0], phone = "+353 1 555 0100" });
        var (access, refresh) = await fixture.SignInAsync(email, password);
        return new TestAccount(account.GetProperty("id").GetGuid(), email, password, access, refresh);
    }

    public static async Task<(string AccessToken, string RefreshToken)> SignInAsync(this ClusterFixture fixture, string email, string password) =>
        Tokens(await fixture.Eu.JsonAsync(HttpMethod.Post, Accounts + "/sign-in", body: new { email, password }));

    /// <summary>The same account with new tokens, which say what it may do now.</summary>
    public static async Task<TestAccount> RefreshAsync(this ClusterFixture fixture, TestAccount account)
    {
        var (access, refresh) = Tokens(await fixture.Eu.JsonAsync(HttpMethod.Post, Accounts + "/refresh", body: new { account.RefreshToken }));
        return account with { AccessToken = access, RefreshToken = refresh };
    }

    public static async Task<TestAccount> SignUpOperatorAsync(this ClusterFixture fixture)
    {
        var account = await fixture.SignUpAsync();
        (await fixture.Eu.SendAsync(HttpMethod.Put, "/api/v1/operators/" + account.Email, fixture.Cluster.OperatorKey)).EnsureSuccessStatusCode().Dispose();
        return await fixture.RefreshAsync(account);
    }

    /// <summary>A fresh account that works in a restaurant: Kitchen, Manager or Owner.</summary>
    public static async Task<TestAccount> SignUpStaffAsync(this ClusterFixture fixture, Guid restaurantId, string role) =>
        await fixture.HireAsync(await fixture.SignUpAsync(), restaurantId, role);

    /// <summary>The operators invite an account to work in a restaurant, and it accepts.</summary>
    /// <returns>The account, whose tokens say so.</returns>
    public static async Task<TestAccount> HireAsync(this ClusterFixture fixture, TestAccount account, Guid restaurantId, string role)
    {
        var invitation = await fixture.InviteAsync(fixture.Cluster.OperatorKey, restaurantId, account.Email, role);
        (await fixture.AcceptAsync(account, restaurantId, invitation)).EnsureSuccessStatusCode().Dispose();
        return await fixture.RefreshAsync(account);
    }

    /// <summary>Invites an address, and returns the invitation's id and token.</summary>
    public static async Task<(Guid Id, string Token)> InviteAsync(this ClusterFixture fixture, string token, Guid restaurantId, string email, string role)
    {
        var invitation = await fixture.Eu.JsonAsync(HttpMethod.Post, $"{Restaurant(restaurantId)}/staff/invitations", token, new { email, role });
        return (invitation.GetProperty("id").GetGuid(), invitation.GetProperty("token").GetString()!);
    }

    public static Task<HttpResponseMessage> AcceptAsync(this ClusterFixture fixture, TestAccount account, Guid restaurantId, (Guid Id, string Token) invitation) =>
        fixture.Eu.SendAsync(HttpMethod.Post, $"{Restaurant(restaurantId)}/staff/invitations/accept", account.AccessToken, new { invitation.Token });

    public static string Restaurant(Guid id) => $"/api/v1/restaurants/{id}";

    public static string Order(Guid restaurantId, Guid orderId) => $"{Restaurant(restaurantId)}/orders/{orderId}";

    /// <summary>A restaurant as <see cref="TestRestaurant"/> makes it; of a region without workers on any worker.</summary>
    public static async Task<Guid> CreateRestaurantAsync(this ClusterFixture fixture, string region = "eu-west-1") =>
        (await TestRestaurant.CreateAsync(fixture, region: region)).Id;

    /// <summary>Places an order of one portion of fries, delivered to somebody whose name, number, address and notes are all there.</summary>
    /// <param name="fixture">The cluster.</param>
    /// <param name="restaurantId">A restaurant of <see cref="CreateRestaurantAsync"/>.</param>
    /// <param name="token">Whose order it is; null for a guest's.</param>
    public static Task<JsonElement> OrderAsync(this ClusterFixture fixture, Guid restaurantId, string? token) => fixture.Eu.JsonAsync(
        HttpMethod.Post,
        Restaurant(restaurantId) + "/orders",
        token,
        new
        {
            fulfilment = new { type = "Delivery", address = "9 Private Lane", latitude = 38.7226, longitude = -9.139 },
            customer = new { name = "Ada Lovelace", phone = "+353 1 555 0199" },
            lines = new[] { new { itemId = Item, quantity = 1, note = "no private salt" } },
            note = "private bell is broken",
        });

    /// <summary>Moves an order to its end, stage by stage.</summary>
    public static async Task CompleteAsync(this ClusterFixture fixture, Guid restaurantId, Guid orderId)
    {
        foreach (var status in new[] { "Accepted", "Preparing", "Ready", "Completed" })
        {
            await fixture.Eu.JsonAsync(HttpMethod.Post, Order(restaurantId, orderId) + "/status", fixture.Cluster.OperatorKey, new { status });
        }
    }

    /// <summary>Sends a request and reads the answer, which must be a success.</summary>
    public static async Task<JsonElement> JsonAsync(this HttpClient client, HttpMethod method, string path, string? token = null, object? body = null)
    {
        using var response = await client.SendAsync(method, path, token, body);
        var text = await response.Content.ReadAsStringAsync();
        response.IsSuccessStatusCode.ShouldBeTrue($"{method} {path}: {(int)response.StatusCode} {text}");
        return text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text);
    }

    public static async Task<HttpResponseMessage> SendAsync(this HttpClient client, HttpMethod method, string path, string? token = null, object? body = null)
    {
        using var request = Request(method, path, token, body);
        return await client.SendAsync(request);
    }

    /// <summary>A request, with what placing an order asks for, too.</summary>
    /// <param name="method">The method.</param>
    /// <param name="path">The path.</param>
    /// <param name="token">An access token or the operators' key; null for a guest.</param>
    /// <param name="body">What is sent as JSON; null for nothing.</param>
    public static HttpRequestMessage Request(HttpMethod method, string path, string? token = null, object? body = null)
    {
        var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        request.Headers.Add("Idempotency-Key", Guid.NewGuid().ToString());
        return request;
    }

    /// <summary>The worker that holds the rows of a restaurant or of an account: all tables are spread alike.</summary>
    public static async Task<string> WorkerOfAsync(this ClusterFixture fixture, Guid id) => (await fixture.LocateAsync([id]))[id];

    private static (string AccessToken, string RefreshToken) Tokens(JsonElement answer) =>
        (answer.GetProperty("accessToken").GetString()!, answer.GetProperty("refreshToken").GetString()!);
}
