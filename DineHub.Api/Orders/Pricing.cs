using System.Collections.Frozen;
using DineHub.Api.Errors;
using DineHub.Api.Menus;
using DineHub.Api.Restaurants;

namespace DineHub.Api.Orders;

/// <summary>A basket with its prices, in minor currency units.</summary>
internal sealed record PricedBasket(IReadOnlyList<OrderLine> Lines, long Subtotal, long Tax, long Total);

/// <summary>The one function that prices a basket: pure, and from the menu's prices alone.</summary>
internal static class Pricing
{
    private const int BasisPoints = 10_000;

    /// <summary>Prices a basket that keeps <see cref="OrderRequestRules"/>.</summary>
    /// <param name="tax">How the restaurant's prices are taxed.</param>
    /// <param name="items">The menu's items by id.</param>
    /// <param name="lines">The basket.</param>
    /// <param name="errors">What does not fit the menu.</param>
    /// <returns>The basket with its prices; null where something does not fit the menu.</returns>
    public static PricedBasket? Price(
        Tax tax, FrozenDictionary<string, MenuItem> items, IReadOnlyList<OrderLineRequest> lines, FieldErrors errors)
    {
        var priced = new List<OrderLine>(lines.Count);
        for (var i = 0; i < lines.Count; i++)
        {
            if (items.TryGetValue(lines[i].ItemId!, out var item))
            {
                priced.Add(PriceLine(tax, item, lines[i], $"lines[{i}]", errors));
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
        var taxes = priced.Sum(line => line.Tax);
        return new PricedBasket(priced, subtotal, taxes, tax.Included ? subtotal : subtotal + taxes);
    }

    /// <summary>The tax of one line, rounded to the minor unit, half away from zero.</summary>
    /// <param name="tax">How the restaurant's prices are taxed.</param>
    /// <param name="amount">The line's total in minor currency units, from 0.</param>
    public static long TaxOf(Tax tax, long amount)
    {
        var divisor = tax.Included ? BasisPoints + tax.RateBasisPoints : BasisPoints;
        return ((2 * amount * tax.RateBasisPoints) + divisor) / (2 * divisor);
    }

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
        return new OrderLine(item.Id, item.Name, quantity, unitPrice, options, line.Note, total, TaxOf(tax, total));
    }
}
