using System.Net;
using System.Security.Claims;
using System.Text.RegularExpressions;
using DineHub.Api;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.StaticAssets;
using Microsoft.Extensions.DependencyInjection;

namespace DineHub.Tests.Cluster;

/// <summary>Every endpoint that the API has, asked for by every kind of caller.</summary>
[Collection(ClusterCollection.Name)]
public sealed partial class AuthorizationMatrixTests(ClusterFixture fixture)
{
    // Who may. What is not said here is refused: 401 for guests, 403 for everybody else.
    private static readonly Dictionary<string, Rule> Rules = new()
    {
        ["ListRestaurants"] = Rule.Anybody,
        ["GetRestaurant"] = Rule.Anybody,
        ["ListSlots"] = Rule.Anybody,
        ["CreateRestaurant"] = Rule.Operator,
        ["ChangeRestaurant"] = Rule.Owner,
        ["CloseRestaurant"] = Rule.Operator,
        ["ReopenRestaurant"] = Rule.Operator,

        ["GetMenu"] = Rule.Anybody,
        ["ReplaceMenu"] = Rule.Manager,
        ["TakeItemOff"] = Rule.Kitchen,
        ["PutItemBack"] = Rule.Kitchen,
        ["TakeOptionOff"] = Rule.Kitchen,
        ["PutOptionBack"] = Rule.Kitchen,
        ["ListStock"] = Rule.Kitchen,
        ["SetStock"] = Rule.Kitchen,
        ["RemoveStock"] = Rule.Kitchen,
        ["CreateImageUpload"] = Rule.Manager,
        ["UploadImage"] = Rule.Anybody,
        ["GetImage"] = Rule.Anybody,

        ["CreateQuote"] = Rule.Anybody,
        ["PlaceOrder"] = Rule.Anybody,
        ["ListOrders"] = Rule.Kitchen,
        ["GetOrder"] = Rule.TokenOrKitchen,
        ["FollowOrder"] = Rule.TokenOrKitchen,
        ["CancelOrder"] = Rule.Token,
        ["ChangeOrderStatus"] = Rule.Kitchen,
        ["BumpOrder"] = Rule.Kitchen,
        ["EraseOrder"] = Rule.Token,

        ["GetKitchen"] = Rule.Kitchen,
        ["PauseKitchen"] = Rule.Kitchen,
        ["ResumeKitchen"] = Rule.Kitchen,
        ["SetKitchenBusy"] = Rule.Kitchen,
        ["ClearKitchenBusy"] = Rule.Kitchen,
        ["SetKitchenCapacity"] = Rule.Manager,
        ["WatchKitchen"] = Rule.Kitchen,

        ["GetSales"] = Rule.Manager,
        ["GetBestSellers"] = Rule.Manager,
        ["GetStages"] = Rule.Manager,
        ["ExportOrders"] = Rule.Manager,

        ["ListStaff"] = Rule.Manager,
        ["InviteStaff"] = Rule.Manager,
        ["WithdrawInvitation"] = Rule.Manager,
        ["AcceptInvitation"] = Rule.Account,
        ["RemoveStaff"] = Rule.Manager,

        ["Register"] = Rule.Anybody,
        ["SignIn"] = Rule.Anybody,
        ["Refresh"] = Rule.Anybody,
        ["SignOutEverywhere"] = Rule.Account,
        ["GetAccount"] = Rule.Account,
        ["ChangeAccount"] = Rule.Account,
        ["ChangePassword"] = Rule.Account,
        ["ListOwnOrders"] = Rule.Account,
        ["ExportAccount"] = Rule.Account,
        ["EraseAccount"] = Rule.Account,
        ["GrantOperator"] = Rule.Operator,
        ["RevokeOperator"] = Rule.Operator,

        // Endpoints without a name. The ingress exposes neither health nor metrics.
        ["/health/live"] = Rule.Anybody,
        ["/health/ready"] = Rule.Anybody,
        ["/metrics"] = Rule.Anybody,
        ["/openapi/{documentName}.json"] = Rule.Anybody,
    };

    private enum Rule
    {
        Anybody,

        /// <summary>The bearer of the order's token; all others get 404.</summary>
        Token,
        TokenOrKitchen,

        Account,
        Kitchen,
        Manager,
        Owner,
        Operator,
    }

    private enum Caller
    {
        Guest,
        Customer,
        Kitchen,
        Manager,
        Owner,
        OtherKitchen,
        OtherManager,
        OtherOwner,
        Operator,
        OperatorsKey,
    }

    [Fact]
    public async Task Every_endpoint_has_a_rule_here_and_no_rule_is_left_over()
    {
        await using var app = Build();
        Endpoints(app).Select(Name).Order().ShouldBe(Rules.Keys.Order());
    }

    [Fact]
    public async Task Every_endpoint_says_itself_who_may_use_it()
    {
        await using var app = Build();
        foreach (var endpoint in Endpoints(app))
        {
            var anonymous = endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null;
            var policy = endpoint.Metadata.GetMetadata<AuthorizationPolicy>() is not null;
            (anonymous ^ policy).ShouldBeTrue($"{Name(endpoint)} needs one of AllowAnonymous and a policy.");
            anonymous.ShouldBe(Rules[Name(endpoint)] is Rule.Anybody or Rule.Token or Rule.TokenOrKitchen, Name(endpoint));
        }
    }

    [Fact]
    public async Task An_endpoint_that_does_not_say_it_is_refused_to_everybody()
    {
        await using var app = Build();
        var fallback = (await app.Services.GetRequiredService<IAuthorizationPolicyProvider>().GetFallbackPolicyAsync()).ShouldNotBeNull();
        var http = new DefaultHttpContext();
        http.SetEndpoint(new RouteEndpointBuilder(_ => Task.CompletedTask, Microsoft.AspNetCore.Routing.Patterns.RoutePatternFactory.Parse("/forgotten"), 0).Build());
        var authorization = app.Services.GetRequiredService<IAuthorizationService>();
        var god = new ClaimsPrincipal(new ClaimsIdentity(
            [new Claim(ClaimTypes.Role, "Operator"), new Claim(ClaimTypes.NameIdentifier, Guid.NewGuid().ToString())], "Bearer"));
        (await authorization.AuthorizeAsync(god, http, fallback)).Succeeded.ShouldBeFalse();
        (await authorization.AuthorizeAsync(new ClaimsPrincipal(), http, fallback)).Succeeded.ShouldBeFalse();
    }

    [Fact]
    public async Task What_is_no_endpoint_is_404_for_guests_too()
    {
        using var response = await fixture.Eu.GetAsync("/api/v1/nothing");
        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Every_caller_gets_at_every_endpoint_what_the_rule_says()
    {
        var restaurantId = await fixture.CreateRestaurantAsync();
        var otherId = await fixture.CreateRestaurantAsync();
        var orderId = (await fixture.OrderAsync(restaurantId, token: null)).GetProperty("id").GetGuid();
        var tokens = new Dictionary<Caller, string?>
        {
            [Caller.Guest] = null,
            [Caller.Customer] = (await fixture.SignUpAsync()).AccessToken,
            [Caller.Kitchen] = (await fixture.SignUpStaffAsync(restaurantId, "Kitchen")).AccessToken,
            [Caller.Manager] = (await fixture.SignUpStaffAsync(restaurantId, "Manager")).AccessToken,
            [Caller.Owner] = (await fixture.SignUpStaffAsync(restaurantId, "Owner")).AccessToken,
            [Caller.OtherKitchen] = (await fixture.SignUpStaffAsync(otherId, "Kitchen")).AccessToken,
            [Caller.OtherManager] = (await fixture.SignUpStaffAsync(otherId, "Manager")).AccessToken,
            [Caller.OtherOwner] = (await fixture.SignUpStaffAsync(otherId, "Owner")).AccessToken,
            [Caller.Operator] = (await fixture.SignUpOperatorAsync()).AccessToken,
            [Caller.OperatorsKey] = fixture.Cluster.OperatorKey,
        };
        tokens.Keys.ShouldBe(Enum.GetValues<Caller>());

        await using var app = Build();
        using var backend = ClusterFixture.Client(fixture.Cluster.Backends[0].Url);
        var wrong = new List<string>();

        // What ends the callers' sessions comes last.
        foreach (var endpoint in Endpoints(app).OrderBy(endpoint => Name(endpoint) == "SignOutEverywhere"))
        {
            var client = endpoint.RoutePattern.RawText is "/health/live" or "/health/ready" or "/metrics" ? backend : fixture.Eu;
            foreach (var (caller, token) in tokens)
            {
                using var request = Request(endpoint, restaurantId, orderId, token);
                using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
                if (Mistake(Rules[Name(endpoint)], caller, response) is { } mistake)
                {
                    wrong.Add($"{Name(endpoint)}, {caller}: {mistake}");
                }
            }
        }

        wrong.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_bearer_of_an_orders_token_reads_follows_cancels_and_erases_it()
    {
        var restaurantId = await fixture.CreateRestaurantAsync();
        var order = await fixture.OrderAsync(restaurantId, token: null);
        await using var app = Build();
        foreach (var name in new[] { "GetOrder", "FollowOrder", "CancelOrder", "EraseOrder" })
        {
            using var request = Request(Endpoints(app).Single(endpoint => Name(endpoint) == name), restaurantId, order.GetProperty("id").GetGuid(), token: null);
            request.Headers.Add("Tracking-Token", order.GetProperty("trackingToken").GetString());
            using var response = await fixture.Eu.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            response.IsSuccessStatusCode.ShouldBeTrue($"{name}: {response.StatusCode}");
        }
    }

    // The API itself, put together and not started: what it maps is what there is.
    private static WebApplication Build() => ApiApplication.Build(
    [
        "--ConnectionStrings:dinehub=Host=127.0.0.1;Port=1",
        "--DataProtection:Key=" + Convert.ToBase64String(new byte[32]),
    ]);

    // Without the web app's files, which are for everybody.
    private static IEnumerable<RouteEndpoint> Endpoints(WebApplication app) => ((IEndpointRouteBuilder)app).DataSources
        .SelectMany(source => source.Endpoints)
        .Where(endpoint => endpoint.Metadata.GetMetadata<StaticAssetDescriptor>() is null)
        .Cast<RouteEndpoint>();

    private static string Name(RouteEndpoint endpoint) => endpoint.Metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName ?? endpoint.RoutePattern.RawText!;

    // A minimal request: permitted callers get an answer and change no data.
    private static HttpRequestMessage Request(RouteEndpoint endpoint, Guid restaurantId, Guid orderId, string? token)
    {
        var method = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods[0] ?? "GET";
        var path = ParameterPattern().Replace(endpoint.RoutePattern.RawText!, parameter => parameter.Groups["name"].Value switch
        {
            "restaurantId" => restaurantId.ToString(),
            "orderId" => orderId.ToString(),
            "accountId" or "invitationId" => Guid.NewGuid().ToString(),
            "itemId" => TestAccounts.ItemWithOptions,
            "optionId" => TestAccounts.Option,
            "email" => "unknown@example.com",
            "name" => "none",
            "documentName" => "v1",
            var other => throw new InvalidOperationException($"What is to stand for {{{other}}} of {Name(endpoint)}?"),
        });
        return TestAccounts.Request(new HttpMethod(method), path, token, endpoint.Metadata.GetMetadata<IAcceptsMetadata>() is null ? null : new { });
    }

    private static string? Mistake(Rule rule, Caller caller, HttpResponseMessage response)
    {
        HttpStatusCode? refusal = rule switch
        {
            _ when MayUse(rule, caller) => null,
            Rule.Token or Rule.TokenOrKitchen => HttpStatusCode.NotFound,
            _ => caller == Caller.Guest ? HttpStatusCode.Unauthorized : HttpStatusCode.Forbidden,
        };
        if (refusal is { } expected)
        {
            return response.StatusCode != expected ? $"{(int)response.StatusCode}, not {(int)expected}"
                : response.Content.Headers.ContentType?.MediaType != "application/problem+json" ? "refused without a problem"
                : null;
        }

        // Permitted callers find the order; elsewhere a 404 is about another object of the request.
        HttpStatusCode[] allowed =
        [
            HttpStatusCode.OK, HttpStatusCode.Created, HttpStatusCode.NoContent, HttpStatusCode.BadRequest, HttpStatusCode.Conflict,
            HttpStatusCode.PreconditionFailed, HttpStatusCode.UnprocessableEntity, HttpStatusCode.PreconditionRequired,
            .. rule == Rule.TokenOrKitchen ? Array.Empty<HttpStatusCode>() : [HttpStatusCode.NotFound],
        ];
        return allowed.Contains(response.StatusCode) ? null : $"{(int)response.StatusCode}, although allowed";
    }

    private static bool MayUse(Rule rule, Caller caller) => rule switch
    {
        Rule.Anybody => true,
        Rule.Token => false,
        Rule.Account => caller is not (Caller.Guest or Caller.OperatorsKey),
        Rule.Operator => IsOperator(caller),
        Rule.Owner => IsOperator(caller) || caller is Caller.Owner,
        Rule.Manager => IsOperator(caller) || caller is Caller.Owner or Caller.Manager,
        Rule.Kitchen or Rule.TokenOrKitchen => IsOperator(caller) || caller is Caller.Owner or Caller.Manager or Caller.Kitchen,
        _ => throw new ArgumentOutOfRangeException(nameof(rule)),
    };

    private static bool IsOperator(Caller caller) => caller is Caller.Operator or Caller.OperatorsKey;

    [GeneratedRegex("""\{(?<name>\w+)(:\w+)?\}""", RegexOptions.ExplicitCapture)]
    private static partial Regex ParameterPattern();
}
