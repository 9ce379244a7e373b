using DineHub.Api.Http.Errors;
using DineHub.Api.Menus;
using DineHub.Api.Restaurants;

namespace DineHub.Api.Orders;

/// <summary>A basket with its prices, in minor currency units.</summary>
internal sealed record PricedBasket(IReadOnlyList<OrderLine> Lines, long Subtotal, long Tax, long DeliveryFee, long Tip, long Total);

/// <summary>The one function that prices a basket, for quotes and for orders: pure, and from the restaurant's prices alone.</summary>
internal static class Pricing
{
    private const int BasisPoints = 10_000;

    /// <summary>Prices a basket that keeps <see cref="OrderRequestRules"/>.</summary>
    /// <param name="restaurant">The restaurant: how its prices are taxed, what delivery costs.</param>
    /// <param name="items">The menu's items by id.</param>
    /// <param name="basket">The basket.</param>
    /// <param name="errors">What does not fit the menu.</param>
    /// <returns>The basket with its prices; null where something does not fit the menu.</returns>
    public static PricedBasket? Price(Restaurant restaurant, IReadOnlyDictionary<string, MenuItem> items, IBasket basket, FieldErrors errors)
    {
        var lines = basket.Lines!;
        var priced = new List<OrderLine>(lines.Count);
        for (var i = 0; i < lines.Count; i++)
        {
            if (items.TryGetValue(lines[i]!.ItemId!, out var item))
            {
                priced.Add(PriceLine(restaurant.Tax, item, lines[i]!, $"lines[{i}]", errors));
            }
            else
            {
                errors.Add($"lines[{i}].itemId", "is not on the menu");
            }
        }

        if (errors.Any)
        {
            return null;
        }

        var subtotal = priced.Sum(line => line.Total);
        var tax = priced.Sum(line => line.Tax);
        var fee = basket.Fulfilment!.Type == FulfilmentType.Delivery ? restaurant.Delivery?.Fee ?? 0 : 0;
        var tip = basket.Tip?.Amount ?? Share(subtotal, basket.Tip?.Percent ?? 0, 100);
        return new PricedBasket(priced, subtotal, tax, fee, tip, (restaurant.Tax.Included ? subtotal : subtotal + tax) + fee + tip);
    }

    /// <summary>The tax of one line, rounded to the minor unit, half away from zero.</summary>
    /// <param name="rateBasisPoints">The rate in hundredths of a percent, 0 to 10000.</param>
    /// <param name="included">Whether the amount includes the tax.</param>
    /// <param name="amount">The line's total in minor currency units, from 0.</param>
    public static long TaxOf(int rateBasisPoints, bool included, long amount) =>
        Share(amount, rateBasisPoints, included ? BasisPoints + rateBasisPoints : BasisPoints);

    // Nothing is negative here, so half up is half away from zero.
    private static long Share(long amount, int numerator, int divisor) => ((2 * amount * numerator) + divisor) / (2 * divisor);

    private static OrderLine PriceLine(Tax tax, MenuItem item, OrderLineRequest line, string field, FieldErrors errors)
    {
        var chosen = (line.Options ?? []).Select(option => option!).ToHashSet(StringComparer.Ordinal);
        var options = new List<OrderLineOption>();
        foreach (var group in item.ModifierGroups)
        {
            var picked = group.Options.Where(option => chosen.Remove(option.Id)).ToList();
            if (picked.Count < group.Min || picked.Count > group.Max)
            {
                var count = group.Min == group.Max ? $"exactly {group.Min}" : $"between {group.Min} and {group.Max}";
                errors.Add($"{field}.options", $"must have {count} of '{group.Id}' ({string.Join(", ", group.Options.Select(option => option.Id))})");
            }

            options.AddRange(picked.Select(option => new OrderLineOption(option.Id, option.Name, option.Price)));
        }

        foreach (var unknown in chosen)
        {
            errors.Add($"{field}.options", $"'{unknown}' is not an option of '{item.Id}'");
        }

        var quantity = line.Quantity!.Value;
        var unitPrice = item.Price + options.Sum(option => option.Price);
        var total = quantity * unitPrice;
        var rate = tax.OtherRates?.FirstOrDefault(other => other.Id == item.TaxRate)?.RateBasisPoints ?? tax.RateBasisPoints;
        return new OrderLine(item.Id, item.Name, quantity, unitPrice, options, line.Note, total, TaxOf(rate, tax.Included, total));
    }
}
