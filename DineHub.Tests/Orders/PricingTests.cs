using System.Collections.Frozen;
using DineHub.Api.Errors;
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
        Pricing.TaxOf(new Tax(rate, included), amount).ShouldBe(tax);

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
        Pricing.Price(new Tax(0, Included: true), Items, [new OrderLineRequest(item, 1, options)], errors).ShouldBeNull();
        var problem = errors.ToUnprocessable(Refusal.DoesNotFitTheMenu, "").ProblemDetails;
        problem.Extensions["errors"].ShouldBeOfType<Dictionary<string, string[]>>().Keys.ShouldBe([field]);
    }

    [Fact]
    public void Totals_add_up_are_never_negative_and_do_not_depend_on_the_order_of_lines() =>
        Prop.ForAll(Baskets().ToArbitrary(), Taxes().ToArbitrary(), (lines, tax) =>
        {
            var basket = Price(tax, [.. lines])!;
            var reversed = Price(tax, [.. lines.Reverse()])!;
            basket.Subtotal.ShouldBe(basket.Lines.Sum(line => line.Quantity * line.UnitPrice));
            basket.Tax.ShouldBe(basket.Lines.Sum(line => line.Tax));
            basket.Total.ShouldBe(tax.Included ? basket.Subtotal : basket.Subtotal + basket.Tax);
            basket.Lines.ShouldAllBe(line => line.UnitPrice >= 0 && line.Tax >= 0 && line.Total >= line.UnitPrice);
            (tax.Included && basket.Tax > basket.Total).ShouldBeFalse();
            (reversed.Subtotal, reversed.Tax, reversed.Total).ShouldBe((basket.Subtotal, basket.Tax, basket.Total));
        }).QuickCheckThrowOnFailure();

    private static PricedBasket? Price(Tax tax, params OrderLineRequest[] lines) => Pricing.Price(tax, Items, lines, new FieldErrors());

    private static Gen<OrderLineRequest[]> Baskets() =>
        from count in Gen.Choose(1, OrderRequestRules.MostLines)
        from lines in Line().ArrayOf(count)
        select lines;

    private static Gen<OrderLineRequest> Line() =>
        from quantity in Gen.Choose(1, OrderRequestRules.MostQuantity)
        from water in Gen.Elements(true, false)
        from size in Gen.Elements("regular", "large")
        from extras in Gen.Elements<string[]>([], ["olives"], ["cheese", "chilli"])
        select water ? new OrderLineRequest("water", quantity) : new OrderLineRequest("pizza", quantity, [size, .. extras]);

    private static Gen<Tax> Taxes() =>
        from rate in Gen.Choose(0, 10000)
        from included in Gen.Elements(true, false)
        select new Tax(rate, included);
}
