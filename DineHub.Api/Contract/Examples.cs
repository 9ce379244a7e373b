using System.Text.Json;
using System.Text.Json.Nodes;
using DineHub.Api.Accounts;
using DineHub.Api.Images;
using DineHub.Api.Kitchens;
using DineHub.Api.Menus;
using DineHub.Api.Orders;
using DineHub.Api.Reports;
using DineHub.Api.Restaurants;
using Microsoft.AspNetCore.Authentication.BearerToken;

namespace DineHub.Api.Contract;

/// <summary>The contract's examples: instances of the types themselves, so that they cannot differ from them.</summary>
internal static class Examples
{
    public const string OrdersCsv =
        "order,placed_at_utc,date,time,status,fulfilment,payment,items,subtotal,tax,delivery_fee,tip,total,currency\r\n"
        + "019690a1-4e80-7c1e-9d5a-2f6c1b7e8a90,2026-05-04T11:30:00.0000000Z,2026-05-04,12:30,Placed,Pickup,AtCounter,3,3500,417,0,300,3800,EUR\r\n";

    private const string Slug = "trattoria-lucia";
    private const string Name = "Trattoria Lucia";
    private const string Region = "eu-west-1";
    private const string Zone = "Europe/Dublin";
    private const string Currency = "EUR";
    private const string Email = "ada@example.com";
    private const string CookEmail = "bo@example.com";
    private const string Password = "correct horse battery";
    private const string Cursor = "AZaQoU6AfB6dWi9sG36KkA";
    private const string InvitationToken = "q4mZ0J8m1yQn3n0yZr7sYw2Pz1c5kFhA";

    private static readonly Guid RestaurantId = new("019690a0-0c00-7a10-8b2e-5d1f0c3a7e21");
    private static readonly Guid OrderId = new("019690a1-4e80-7c1e-9d5a-2f6c1b7e8a90");
    private static readonly Guid AccountId = new("5d1b2c3a-7e4f-8a60-9b71-c2d3e4f5a6b7");
    private static readonly Guid CookId = new("8e2c3d4b-6f5a-8b71-8c82-d3e4f5a6b7c8");
    private static readonly DateTimeOffset Now = new(2026, 5, 4, 11, 30, 0, TimeSpan.Zero);
    private static readonly DateOnly Today = new(2026, 5, 4);

    private static readonly OpeningHours Hours = new(
        [
            new WeeklySpan(DayOfWeek.Monday, new TimeOnly(12, 0), new TimeOnly(22, 30)),
            new WeeklySpan(DayOfWeek.Saturday, new TimeOnly(12, 0), new TimeOnly(1, 0)),
        ],
        [new OpeningException(new DateOnly(2026, 12, 25), [], "Christmas Day")]);

    private static readonly Tax Taxes = new(1350, Included: true, [new TaxRate("drinks", 2300)]);

    private static readonly RestaurantProfile Profile = new(
        Name,
        "Roman kitchen with a wood-fired oven and pasta made each morning.",
        "+353 1 555 0147",
        "Dublin",
        "12 Fade Street, Dublin 2",
        53.342,
        -6.263,
        ["Italian", "Pizza"],
        Taxes,
        Zone,
        Hours,
        MinimumOrder: 1000,
        PreparationMinutes: 20,
        Pickup: true,
        TableService: true,
        new DeliveryTerms(4000, 290));

    private static readonly Restaurant Restaurant = new(
        RestaurantId,
        Slug,
        Name,
        Profile.Description!,
        Profile.Phone!,
        Region,
        Profile.City!,
        Profile.Address!,
        Profile.Latitude!.Value,
        Profile.Longitude!.Value,
        ["Italian", "Pizza"],
        Currency,
        Taxes,
        Zone,
        Hours,
        Profile.MinimumOrder!.Value,
        Profile.PreparationMinutes!.Value,
        Pickup: true,
        TableService: true,
        Profile.Delivery,
        ClosedAt: null,
        PausedUntil: null,
        Version: 3)
    {
        OpenNow = true,
        AcceptingOrders = true,
    };

    private static readonly MenuItem Margherita = new(
        "margherita",
        "Margherita",
        "Tomato, fior di latte, basil",
        1200,
        ["gluten", "milk"],
        ["vegetarian"],
        [
            new ModifierGroup("size", "Size", 1, 1, [new ModifierOption("regular", "Regular", 0), new ModifierOption("large", "Large", 300)]),
            new ModifierGroup("extras", "Extras", 0, 3, [new ModifierOption("olives", "Olives", 100), new ModifierOption("anchovies", "Anchovies", 150)]),
        ],
        ImageUrl: $"/api/v1/images/{RestaurantId}/Zm9vYmFyYmF6cXV4MTIzNA.webp");

    private static readonly MenuItem Tiramisu = new(
        "tiramisu",
        "Tiramisù",
        "Of the day",
        750,
        ["eggs", "gluten", "milk"],
        ["vegetarian"],
        [],
        Windows: [new AvailabilityWindow("Evening", new TimeOnly(18, 0), new TimeOnly(22, 0), [DayOfWeek.Friday, DayOfWeek.Saturday])]);

    private static readonly IReadOnlyList<MenuCategory> Categories =
        [new MenuCategory("pizza", "Pizza", [Margherita]), new MenuCategory("desserts", "Desserts", [Tiramisu])];

    private static readonly IReadOnlyList<MenuCategory> CategoriesWithMarks =
        [Categories[0], Categories[1] with { Items = [Tiramisu with { Stock = StockMark.Low, Unavailable = new Unavailability(Now.AddHours(6)) }] }];

    private static readonly IReadOnlyList<OrderLineRequest?> Basket =
        [new OrderLineRequest("margherita", 2, ["large", "olives"], "well done"), new OrderLineRequest("still-water", 1)];

    private static readonly IReadOnlyList<OrderLine> Lines =
    [
        new OrderLine(
            "margherita", "Margherita", 2, 1600, [new OrderLineOption("large", "Large", 300), new OrderLineOption("olives", "Olives", 100)], "well done", 3200, 381),
        new OrderLine("still-water", "Still water", 1, 300, [], Note: null, 300, 36),
    ];

    private static readonly Order Order = new(
        RestaurantId,
        OrderId,
        OrderStatus.Placed,
        new Fulfilment(FulfilmentType.Pickup),
        new Customer("Ada", "+353 1 555 0101"),
        Currency,
        Lines,
        3500,
        417,
        0,
        300,
        3800,
        MenuVersion: 7,
        Zone,
        PaymentMethod.AtCounter,
        "No cutlery, please",
        ScheduledFor: null,
        Now.AddMinutes(20),
        Now.AddMinutes(10),
        Now,
        [new OrderEvent(OrderStatus.Placed, Now)],
        Version: 1,
        "k3VYb0s5tq8hXw2mN4pR6A");

    private static readonly StaffRoleOf Owner = new(RestaurantId, StaffRole.Owner);
    private static readonly Account Account = new(AccountId, Email, "Ada", "+353 1 555 0101", IsOperator: false, [Owner], Now.AddDays(-30));
    private static readonly Invitation Invitation = new(new Guid("019690a2-1d00-7b3c-8a4d-6e7f8091a2b3"), CookEmail, StaffRole.Kitchen, Now.AddDays(7), InvitationToken);
    private static readonly CapacitySettings Capacity = new(4, 15, BusyFrom: 12, FullFrom: 30);
    private static readonly StockLevel Stock = new("tiramisu", 4, 5);

    private static readonly Dictionary<Type, object> All = new object[]
    {
        new CreateRestaurantRequest(Slug, Region, Currency, Profile),
        Profile,
        Restaurant,
        new RestaurantPage([Restaurant with { DistanceMeters = 1240.5 }], Cursor),
        new SlotList(Today, Zone, [Now.AddMinutes(30), Now.AddMinutes(45), Now.AddMinutes(60)]),
        new MenuDocument(Categories),
        new Menu(RestaurantId, 7, Currency, Zone, CategoriesWithMarks),
        new UnavailableRequest(Now.AddHours(6)),
        new StockRequest(4, 5),
        Stock,
        new StockList([Stock]),
        new ImageUploadRequest("image/webp", 48_213),
        new ImageUpload(
            "PUT",
            $"{Margherita.ImageUrl}?expires=1777894800&length=48213&signature=4Cq0yD1nZ0mQe3m0vJ6f5cQb2o1Yw7aT8hXk9uLr3sE",
            new Dictionary<string, string> { ["Content-Type"] = "image/webp", ["Content-Length"] = "48213" },
            Margherita.ImageUrl!,
            Now.AddMinutes(10)),
        new QuoteRequest(new Fulfilment(FulfilmentType.Pickup), Basket, new TipRequest(Amount: 300)),
        new Quote(
            RestaurantId,
            Currency,
            Lines,
            3500,
            417,
            0,
            300,
            3800,
            MenuVersion: 7,
            Zone,
            Now.AddMinutes(35),
            KitchenLoad.Busy,
            [new QuoteRefusal("OutOfStock", "lines[1].quantity", "there is none left")]),
        new PlaceOrderRequest(
            new Fulfilment(FulfilmentType.Pickup), Order.Customer, Basket, ExpectedTotal: 3800, new TipRequest(Amount: 300), Note: Order.Note),
        Order,
        new OrderPage(
            [Order.ForStaff() with { Status = OrderStatus.Accepted, History = [.. Order.History, new OrderEvent(OrderStatus.Accepted, Now.AddMinutes(1))], Version = 2 }],
            Cursor),
        new ChangeStatusRequest(OrderStatus.Rejected, OrderReason.TooBusy),
        new Kitchen(5, PausedUntil: null, PauseReason: null, Now.AddHours(1), Capacity, KitchenLoad.Busy, 7, 55),
        Capacity,
        new PauseRequest(Now.AddHours(1), "The oven is cold"),
        new BusyRequest(Now.AddHours(1)),
        new SalesReport(Today.AddDays(-29), Today, Zone, Currency, [new SalesDay(Today, 1, 3500, 417, 0, 300, 3800)]),
        new BestSellersReport(Today.AddDays(-29), Today, Currency, [new ItemSales("margherita", "Margherita", 2, 3200)]),
        new StagesReport(
            Today.AddDays(-29), Today, [new StageDuration(OrderStatus.Placed, 118, 41.5, 120), new StageDuration(OrderStatus.Preparing, 117, 612.25, 1105)]),
        new RegisterRequest(Email, Password, "Ada", "+353 1 555 0101"),
        new SignInRequest(Email, Password),
        new RefreshRequest("CfDJ8Nl…"),
        new AccessTokenResponse { AccessToken = "CfDJ8Kq…", ExpiresIn = 900, RefreshToken = "CfDJ8Nl…" },
        Account,
        new ChangeAccountRequest("Ada Byron", "+353 1 555 0101"),
        new ChangePasswordRequest(Password, "a longer horse battery"),
        new EraseAccountRequest(Password),
        new OrderSummaryPage([new OrderSummary(RestaurantId, Name, OrderId, Now, Currency, 3800, OrderStatus.Ready)], Cursor),
        new AccountExport(Account, [Order]),
        new StaffList([new StaffMember(CookId, StaffRole.Owner, "carla@example.com", "Carla", Now.AddDays(-200))], [Invitation with { Token = null }]),
        new InviteRequest(CookEmail, StaffRole.Kitchen),
        Invitation,
        new AcceptInvitationRequest(InvitationToken),
        Owner,
    }.ToDictionary(example => example.GetType());

    /// <summary>The example of a type; null where there is none.</summary>
    public static JsonNode? Of(Type type) =>
        All.TryGetValue(type, out var example) ? JsonSerializer.SerializeToNode(example, type, ApiJson.Default) : null;
}
