using System.Collections.Frozen;
using DineHub.Api.Http.Errors;
using DineHub.Api.Menus;
using DineHub.Api.Orders;
using DineHub.Api.Restaurants;
using FsCheck;
using FsCheck.Fluent;

namespace DineHub.Tests.Orders;

public sealed class PricingTests
{
    private static readonly MenuItem Pizza = new(
        "pizza",
        "Pizza",
        "",
        1200,
        [],
        [],
        [
            new ModifierGroup("size", "Size", 1, 1, [new("regular", "Regular", 0), new("large", "Large", 300)]),
            new ModifierGroup("extras", "Extras", 0, 2, [new("olives", "Olives", 100), new("cheese", "Cheese", 200), new("chilli", "Chilli", 50)]),
        ]);

    private static readonly MenuItem Water = new("water", "Water", "", 333, [], [], []);

    private static readonly FrozenDictionary<string, MenuItem> Items = new[] { Pizza, Water }.ToFrozenDictionary(item => item.Id);

    [Theory]
    [InlineData(1000, true, 1100, 100)]
    [InlineData(1000, false, 1100, 110)]
    [InlineData(888, false, 1250, 111)]
    [InlineData(1000, false, 5, 1)]
    [InlineData(1000, false, 4, 0)]
    [InlineData(0, true, 999, 0)]
    [InlineData(10000, true, 999, 500)]
    public void Tax_is_rounded_to_the_minor_unit_half_away_from_zero(int rate, bool included, long amount, long tax) =>
        Pricing.TaxOf(rate, included, amount).ShouldBe(tax);

    [Fact]
    public void The_modifiers_prices_are_added_to_the_items()
    {
        var basket = Price(new Tax(1000, Included: false), new OrderLineRequest("pizza", 2, ["large", "olives"]))!;
        basket.Lines.ShouldHaveSingleItem().UnitPrice.ShouldBe(1600);
        (basket.Subtotal, basket.Tax, basket.Total).ShouldBe((3200, 320, 3520));
    }

    [Theory]
    [InlineData("lines[0].itemId", "cake")]
    [InlineData("lines[0].options", "pizza")]
    [InlineData("lines[0].options", "pizza", "regular", "large")]
    [InlineData("lines[0].options", "pizza", "regular", "olives", "cheese", "chilli")]
    [InlineData("lines[0].options", "pizza", "regular", "gold")]
    [InlineData("lines[0].options", "water", "regular")]
    public void A_line_that_does_not_fit_the_menu_is_named(string field, string item, params string[] options)
    {
        var errors = new FieldErrors();
        Pricing.Price(Restaurant(new Tax(0, Included: true)), Items, Pickup([new OrderLineRequest(item, 1, options)]), errors).ShouldBeNull();
        var problem = errors.ToUnprocessable(Refusal.DoesNotFitTheMenu, "").ProblemDetails;
        problem.Extensions["errors"].ShouldBeOfType<Dictionary<string, string[]>>().Keys.ShouldBe([field]);
    }

    [Fact]
    public void Totals_add_up_are_never_negative_and_do_not_depend_on_the_order_of_lines() =>
        Prop.ForAll(Baskets().ToArbitrary(), Taxes().ToArbitrary(), Terms().ToArbitrary(), (lines, tax, terms) =>
        {
            var basket = Price(tax, terms, [.. lines])!;
            var reversed = Price(tax, terms, [.. lines.Reverse()])!;
            basket.Subtotal.ShouldBe(basket.Lines.Sum(line => line.Quantity * line.UnitPrice));
            basket.Tax.ShouldBe(basket.Lines.Sum(line => line.Tax));
            basket.DeliveryFee.ShouldBe(terms.Delivery ? terms.Fee : 0);
            basket.Total.ShouldBe(basket.Subtotal + (tax.Included ? 0 : basket.Tax) + basket.DeliveryFee + basket.Tip);
            basket.Lines.ShouldAllBe(line => line.UnitPrice >= 0 && line.Tax >= 0 && line.Total >= line.UnitPrice);
            basket.Tip.ShouldBeGreaterThanOrEqualTo(0);
            (tax.Included && basket.Tax > basket.Subtotal).ShouldBeFalse();
            (reversed.Subtotal, reversed.Tax, reversed.Tip, reversed.Total).ShouldBe((basket.Subtotal, basket.Tax, basket.Tip, basket.Total));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void An_items_own_rate_of_tax_is_used_where_it_names_one()
    {
        var tax = new Tax(2000, Included: false, [new TaxRate("reduced", 550)]);
        var items = new[] { Water with { TaxRate = "reduced" }, Pizza }.ToFrozenDictionary(item => item.Id);
        var basket = Pricing.Price(
            Restaurant(tax), items, Pickup([new("water", 10), new("pizza", 1, ["regular"])]), new FieldErrors())!;
        basket.Lines.Select(line => line.Tax).ShouldBe([183, 240]);
    }

    [Theory]
    [InlineData(10, 33)]
    [InlineData(15, 50)]
    [InlineData(0, 0)]
    [InlineData(100, 333)]
    public void A_tip_in_percent_is_rounded_half_away_from_zero(int percent, long tip) =>
        Pricing.Price(
            Restaurant(new Tax(0, Included: true)),
            Items,
            new QuoteRequest(new Fulfilment(FulfilmentType.Pickup), [new OrderLineRequest("water", 1)], new TipRequest(Percent: percent)),
            new FieldErrors())!.Tip.ShouldBe(tip);

    private sealed record DeliveryAndTip(bool Delivery, long Fee, TipRequest? Tip);

    private static Restaurant Restaurant(Tax tax, long fee = 0) => new(
        Guid.Empty, "", "", "", "", "", "", "", 0, 0, [], "EUR", tax, "Europe/Dublin", new OpeningHours([], []), 0, 20, true, true,
        new DeliveryTerms(5000, fee), null, null, 1);

    private static QuoteRequest Pickup(IReadOnlyList<OrderLineRequest> lines) => new(new Fulfilment(FulfilmentType.Pickup), lines);

    private static PricedBasket? Price(Tax tax, params OrderLineRequest[] lines) => Pricing.Price(Restaurant(tax), Items, Pickup(lines), new FieldErrors());

    private static PricedBasket? Price(Tax tax, DeliveryAndTip terms, OrderLineRequest[] lines) => Pricing.Price(
        Restaurant(tax, terms.Fee),
        Items,
        new QuoteRequest(new Fulfilment(terms.Delivery ? FulfilmentType.Delivery : FulfilmentType.Pickup), lines, terms.Tip),
        new FieldErrors());

    private static Gen<DeliveryAndTip> Terms() =>
        from delivery in Gen.Elements(true, false)
        from fee in Gen.Choose(0, 10000)
        from amount in Gen.Choose(0, 10000)
        from percent in Gen.Choose(0, 100)
        from tip in Gen.Elements(null, new TipRequest(Amount: amount), new TipRequest(Percent: percent))
        select new DeliveryAndTip(delivery, fee, tip);

    private static Gen<OrderLineRequest[]> Baskets() =>
        from count in Gen.Choose(1, OrderRequestRules.MaxLines)
        from lines in Line().ArrayOf(count)
        select lines;

    private static Gen<OrderLineRequest> Line() =>
        from quantity in Gen.Choose(1, OrderRequestRules.MaxQuantity)
        from water in Gen.Elements(true, false)
        from size in Gen.Elements("regular", "large")
        from extras in Gen.Elements<string[]>([], ["olives"], ["cheese", "chilli"])
        select water ? new OrderLineRequest("water", quantity) : new OrderLineRequest("pizza", quantity, [size, .. extras]);

    private static Gen<Tax> Taxes() =>
        from rate in Gen.Choose(0, 10000)
        from included in Gen.Elements(true, false)
        select new Tax(rate, included);
}
