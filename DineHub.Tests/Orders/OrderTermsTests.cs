using DineHub.Api.Menus;
using DineHub.Api.Orders;
using DineHub.Api.Restaurants;
using FsCheck;
using FsCheck.Fluent;

namespace DineHub.Tests.Orders;

public sealed class OrderTermsTests
{
    // A Wednesday, 12:00 in Dublin (UTC in winter).
    private static readonly DateTimeOffset Noon = new(2026, 1, 14, 12, 0, 0, TimeSpan.Zero);
    private static readonly MenuItem Cake = new("cake", "Cake", "", 500, [], [], []);
    private static readonly KitchenState Kitchen = new(1, null, null, null, 15, 4, 10, null, null);

    [Fact]
    public void An_order_for_as_soon_as_possible_expires_after_ten_minutes() =>
        OrderTerms.ExpiresAt(Menu(Cake), scheduledFor: null, Noon).ShouldBe(Noon.AddMinutes(10));

    [Theory]
    [InlineData("12:30", "12:40")]
    [InlineData("15:00", "18:10")]
    [InlineData("21:00", "12:10")]
    public void An_order_for_later_can_be_accepted_after_the_next_opening(string placed, string expires)
    {
        var now = new DateTimeOffset(Noon.Date + TimeOnly.Parse(placed, null).ToTimeSpan(), TimeSpan.Zero);
        var slot = new DateTimeOffset(Noon.Date.AddDays(1).AddHours(19), TimeSpan.Zero);
        OrderTerms.ExpiresAt(Menu(Cake, restaurant: Restaurant(opens: "18:00", closes: "20:00", alsoLunch: true)), slot, now).ToString("HH:mm", null).ShouldBe(expires);
    }

    [Fact]
    public void An_order_never_expires_after_its_slot() =>
        OrderTerms.ExpiresAt(Menu(Cake), Noon.AddMinutes(5), Noon).ShouldBe(Noon.AddMinutes(5));

    [Fact]
    public void A_longer_queue_is_never_quoted_a_shorter_time() =>
        Prop.ForAll(
            Gen.Choose(0, 5000).Two().ToArbitrary(),
            Gen.Choose(1, 50).ToArbitrary(),
            Gen.Choose(1, 240).ToArbitrary(),
            (open, parallel, preparation) =>
            {
                var kitchen = Kitchen with { ParallelOrders = parallel, BusyFrom = 10 };
                var shorter = kitchen.ReadyInMinutes(Math.Min(open.Item1, open.Item2), preparation, Noon);
                var longer = kitchen.ReadyInMinutes(Math.Max(open.Item1, open.Item2), preparation, Noon);
                longer.ShouldBeGreaterThanOrEqualTo(shorter);
                shorter.ShouldBeGreaterThanOrEqualTo(preparation);
                longer.ShouldBeLessThanOrEqualTo(6 * 60);
            }).QuickCheckThrowOnFailure();

    [Fact]
    public void Full_outweighs_busy_and_a_past_time_is_over()
    {
        var kitchen = Kitchen with { BusyFrom = 5, FullFrom = 8, BusyUntil = Noon };
        kitchen.Load(4, Noon).ShouldBe(KitchenLoad.Normal);
        kitchen.Load(4, Noon.AddSeconds(-1)).ShouldBe(KitchenLoad.Busy);
        kitchen.Load(5, Noon).ShouldBe(KitchenLoad.Busy);
        kitchen.Load(8, Noon).ShouldBe(KitchenLoad.Full);
        (kitchen with { PausedUntil = Noon }).IsPaused(Noon).ShouldBeFalse();
    }

    [Theory]
    [InlineData("07:00", "11:30", null, "2026-01-14T11:29:00Z", true)]
    [InlineData("07:00", "11:30", null, "2026-01-14T11:30:00Z", false)]
    [InlineData("22:00", "02:00", DayOfWeek.Friday, "2026-01-17T01:00:00Z", true)]
    [InlineData("22:00", "02:00", DayOfWeek.Friday, "2026-01-16T01:00:00Z", false)]
    [InlineData("22:00", "02:00", DayOfWeek.Friday, "2026-01-16T23:00:00Z", true)]
    [InlineData("00:00", "00:00", DayOfWeek.Friday, "2026-01-16T23:00:00Z", true)]
    [InlineData("00:00", "00:00", DayOfWeek.Friday, "2026-01-17T23:00:00Z", false)]
    public void An_item_is_served_within_its_windows_also_past_midnight(string from, string until, DayOfWeek? day, string at, bool served)
    {
        var item = Cake with
        {
            Windows = [new AvailabilityWindow("Window", TimeOnly.Parse(from, null), TimeOnly.Parse(until, null), day is { } one ? [one] : null)],
        };
        Menu(item).IsServed(item, DateTimeOffset.Parse(at, null)).ShouldBe(served);
    }

    [Fact]
    public void A_category_that_is_not_served_hides_its_items()
    {
        var menu = Menu(Cake, new AvailabilityWindow("Evening", new TimeOnly(18, 0), new TimeOnly(22, 0)));
        menu.IsServed(Cake, Noon).ShouldBeFalse();
        menu.IsServed(Cake, Noon.AddHours(7)).ShouldBeTrue();
    }

    [Fact]
    public void What_is_off_until_a_time_is_there_from_that_time_on()
    {
        var menu = Menu(Cake, window: null, new() { ["cake"] = new Unavailability(Noon), ["cake/cream"] = new Unavailability(Until: null) });
        menu.IsAvailable("cake", null, Noon.AddTicks(-1)).ShouldBeFalse();
        menu.IsAvailable("cake", null, Noon).ShouldBeTrue();
        menu.IsAvailable("cake", "cream", Noon.AddYears(1)).ShouldBeFalse();
    }

    private static PublishedMenu Menu(
        MenuItem item, AvailabilityWindow? window = null, Dictionary<string, Unavailability>? unavailable = null, Restaurant? restaurant = null) => new(
        restaurant ?? Restaurant(), 1, new MenuDocument([new MenuCategory("all", "All", [item], window is null ? null : [window])]), unavailable ?? [], [], Kitchen, Noon);

    private static Restaurant Restaurant(string opens = "00:00", string closes = "00:00", bool alsoLunch = false) => new(
        Guid.Empty, "", "", "", "", "", "", "", 0, 0, [], "EUR", new Tax(0, Included: true), "Europe/Dublin",
        new OpeningHours(
            [
                .. Enum.GetValues<DayOfWeek>().Select(day => new WeeklySpan(day, TimeOnly.Parse(opens, null), TimeOnly.Parse(closes, null))),
                .. alsoLunch ? Enum.GetValues<DayOfWeek>().Select(day => new WeeklySpan(day, new TimeOnly(12, 0), new TimeOnly(14, 0))) : [],
            ],
            []),
        0, 20, true, true, null, null, null, 1);
}
