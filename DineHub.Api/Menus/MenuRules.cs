using DineHub.Api.Http.Errors;
using DineHub.Api.Images;
using DineHub.Api.Restaurants;

namespace DineHub.Api.Menus;

/// <summary>What a menu must be.</summary>
internal static class MenuRules
{
    private const int MaxCategories = 50;
    private const int MaxItems = 500;
    private const int MaxModifierGroups = 20;
    private const int MaxOptions = 50;
    private const int MaxWindows = 10;

    // Regulation (EU) No 1169/2011, Annex II.
    private static readonly HashSet<string> Allergens =
    [
        "gluten", "crustaceans", "eggs", "fish", "peanuts", "soya", "milk", "nuts", "celery", "mustard", "sesame", "sulphites", "lupin", "molluscs",
    ];

    public static FieldErrors Check(MenuDocument menu, Tax tax, IImageStore images)
    {
        var errors = new FieldErrors();
        if (menu.Categories is not { Count: <= MaxCategories } categories)
        {
            errors.Add("categories", $"must have at most {MaxCategories} categories");
            return errors;
        }

        var rates = (tax.OtherRates ?? []).Select(rate => rate.Id).ToHashSet(StringComparer.Ordinal);
        var categoryIds = new HashSet<string>(StringComparer.Ordinal);
        var itemIds = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < categories.Count; i++)
        {
            var field = $"categories[{i}]";
            if (categories[i] is not { } category)
            {
                errors.Add(field, "is required");
                continue;
            }

            CheckId(errors, field, category.Id, categoryIds);
            errors.Require(field + ".name", category.Name, 100);
            CheckWindows(errors, field, category.Windows);
            if (category.Items is not { Count: <= MaxItems } items)
            {
                errors.Add(field + ".items", $"must have at most {MaxItems} items");
                continue;
            }

            for (var j = 0; j < items.Count; j++)
            {
                CheckItem(errors, $"{field}.items[{j}]", items[j], itemIds, rates, images);
            }
        }

        return errors;
    }

    /// <summary>The document without what is not the owner's to say in it.</summary>
    public static MenuDocument WithoutMarks(MenuDocument menu) => new(
        [.. menu.Categories.Select(category => category with
        {
            Items = [.. category.Items.Select(item => item with
            {
                Description = item.Description ?? "",
                Allergens = item.Allergens ?? [],
                Dietary = item.Dietary ?? [],
                Unavailable = null,
                Stock = null,
                ModifierGroups = [.. (item.ModifierGroups ?? []).Select(group => group with
                {
                    Options = [.. group.Options.Select(option => option with { Unavailable = null })],
                })],
            })],
        })]);

    private static void CheckItem(FieldErrors errors, string field, MenuItem? item, HashSet<string> ids, HashSet<string> rates, IImageStore images)
    {
        if (item is null)
        {
            errors.Add(field, "is required");
            return;
        }

        CheckId(errors, field, item.Id, ids);
        errors.Require(field + ".name", item.Name, 100);
        errors.Limit(field + ".description", item.Description, 500);
        errors.Range<long>(field + ".price", item.Price, 0, RestaurantRules.MaxAmount);
        foreach (var unknown in (item.Allergens ?? []).Where(allergen => !Allergens.Contains(allergen ?? "")))
        {
            errors.Add(field + ".allergens", $"'{unknown}' is none of {string.Join(", ", Allergens)}");
        }

        if ((item.Dietary ?? []) is { } dietary && (dietary.Count > 20 || dietary.Any(mark => string.IsNullOrWhiteSpace(mark) || mark.Length > 30)))
        {
            errors.Add(field + ".dietary", "must have at most 20 marks of 1 to 30 characters");
        }

        if (item.TaxRate is { } rate && !rates.Contains(rate))
        {
            errors.Add(field + ".taxRate", "must be one of the restaurant's other tax rates");
        }

        if (item.ImageUrl is { } url && !images.IsOwnUrl(url))
        {
            errors.Add(field + ".imageUrl", "must be an imageUrl of an upload");
        }

        CheckWindows(errors, field, item.Windows);
        CheckGroups(errors, field, item.ModifierGroups ?? []);
    }

    private static void CheckGroups(FieldErrors errors, string field, IReadOnlyList<ModifierGroup> groups)
    {
        if (groups.Count > MaxModifierGroups)
        {
            errors.Add(field + ".modifierGroups", $"must have at most {MaxModifierGroups} groups");
            return;
        }

        var groupIds = new HashSet<string>(StringComparer.Ordinal);
        var optionIds = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < groups.Count; i++)
        {
            var group = $"{field}.modifierGroups[{i}]";
            if (groups[i] is not { Options: { Count: >= 1 and <= MaxOptions } options } one)
            {
                errors.Add(group + ".options", $"must have 1 to {MaxOptions} options");
                continue;
            }

            CheckId(errors, group, one.Id, groupIds);
            errors.Require(group + ".name", one.Name, 100);
            errors.Range<int>(group + ".max", one.Max, 1, options.Count);
            errors.Range<int>(group + ".min", one.Min, 0, Math.Max(one.Max, 0));
            for (var j = 0; j < options.Count; j++)
            {
                var option = $"{group}.options[{j}]";
                if (options[j] is null)
                {
                    errors.Add(option, "is required");
                    continue;
                }

                CheckId(errors, option, options[j].Id, optionIds);
                errors.Require(option + ".name", options[j].Name, 100);
                errors.Range<long>(option + ".price", options[j].Price, 0, RestaurantRules.MaxAmount);
            }
        }
    }

    private static void CheckWindows(FieldErrors errors, string field, IReadOnlyList<AvailabilityWindow>? windows)
    {
        if (windows is null)
        {
            return;
        }

        if (windows.Count > MaxWindows)
        {
            errors.Add(field + ".windows", $"must have at most {MaxWindows} windows");
            return;
        }

        for (var i = 0; i < windows.Count; i++)
        {
            if (windows[i] is null)
            {
                errors.Add($"{field}.windows[{i}]", "is required");
                continue;
            }

            errors.Require($"{field}.windows[{i}].name", windows[i].Name, 50);
        }
    }

    private static void CheckId(FieldErrors errors, string field, string? id, HashSet<string> seen)
    {
        errors.Require(field + ".id", id, 64);
        if (id is not null && id.Contains('/', StringComparison.Ordinal))
        {
            errors.Add(field + ".id", "must not contain a slash");
        }
        else if (id is not null && !seen.Add(id))
        {
            errors.Add(field + ".id", "must be unique");
        }
    }
}
