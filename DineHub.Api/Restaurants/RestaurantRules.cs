using System.Text.RegularExpressions;
using DineHub.Api.Http.Errors;

namespace DineHub.Api.Restaurants;

/// <summary>What a restaurant's profile must be.</summary>
internal static partial class RestaurantRules
{
    public const long MaxAmount = 100_000_000;
    private const int MaxRate = 10_000;

    public static FieldErrors Check(CreateRestaurantRequest request)
    {
        var errors = new FieldErrors();
        errors.Require("slug", request.Slug, 64);
        if (request.Slug is { } slug && !SlugPattern().IsMatch(slug))
        {
            errors.Add("slug", "must be lower-case letters and digits, in words joined by hyphens");
        }

        errors.Require("region", request.Region, 64);
        if (request.Currency is null || !CurrencyPattern().IsMatch(request.Currency))
        {
            errors.Add("currency", "must be an ISO 4217 code, such as EUR");
        }

        if (request.Profile is { } profile)
        {
            Check(profile, "profile.", errors);
        }
        else
        {
            errors.Add("profile", "is required");
        }

        return errors;
    }

    /// <summary>Checks a profile; its fields are named with a prefix.</summary>
    public static void Check(RestaurantProfile profile, string prefix, FieldErrors errors)
    {
        errors.Require(prefix + "name", profile.Name, 100);
        errors.Limit(prefix + "description", profile.Description, 500);
        errors.Limit(prefix + "phone", profile.Phone, 30);
        errors.Require(prefix + "city", profile.City, 100);
        errors.Require(prefix + "address", profile.Address, 300);
        errors.Range(prefix + "latitude", profile.Latitude, -90, 90);
        errors.Range(prefix + "longitude", profile.Longitude, -180, 180);
        CheckCuisines(profile.Cuisines, prefix, errors);
        CheckTax(profile.Tax, prefix, errors);
        if (profile.TimeZone is null || !Schedule.IsTimeZone(profile.TimeZone))
        {
            errors.Add(prefix + "timeZone", "must be an IANA time zone, such as Europe/Madrid");
        }

        OpeningHoursRules.Check(profile.OpeningHours, prefix + "openingHours", errors);
        errors.Range(prefix + "minimumOrder", profile.MinimumOrder, 0, MaxAmount);
        errors.Range(prefix + "preparationMinutes", profile.PreparationMinutes, 1, 240);
        if (profile.Delivery is { } delivery)
        {
            errors.Range(prefix + "delivery.radiusMeters", delivery.RadiusMeters, 1, 100_000);
            errors.Range(prefix + "delivery.fee", delivery.Fee, 0, MaxAmount);
        }

        if (profile is { Pickup: not true, TableService: not true, Delivery: null })
        {
            errors.Add(prefix + "pickup", "one of pickup, tableService and delivery is required");
        }
    }

    private static void CheckCuisines(IReadOnlyList<string?>? cuisines, string prefix, FieldErrors errors)
    {
        if (cuisines is not { Count: <= 10 })
        {
            errors.Add(prefix + "cuisines", "must have at most 10 names");
            return;
        }

        for (var i = 0; i < cuisines.Count; i++)
        {
            errors.Require($"{prefix}cuisines[{i}]", cuisines[i], 50);
        }
    }

    private static void CheckTax(Tax? tax, string prefix, FieldErrors errors)
    {
        if (tax is null)
        {
            errors.Add(prefix + "tax", "is required");
            return;
        }

        errors.Range(prefix + "tax.rateBasisPoints", tax.RateBasisPoints, 0, MaxRate);
        var others = tax.OtherRates ?? [];
        if (others.Count > 10)
        {
            errors.Add(prefix + "tax.otherRates", "must have at most 10 rates");
            return;
        }

        for (var i = 0; i < others.Count; i++)
        {
            var field = $"{prefix}tax.otherRates[{i}]";
            if (others[i] is not { } rate)
            {
                errors.Add(field, "is required");
                continue;
            }

            errors.Require(field + ".id", rate.Id, 64);
            errors.Range(field + ".rateBasisPoints", rate.RateBasisPoints, 0, MaxRate);
            if (others.Take(i).Any(other => other?.Id == rate.Id))
            {
                errors.Add(field + ".id", "must be unique");
            }
        }
    }

    [GeneratedRegex("^[a-z0-9]+(-[a-z0-9]+)*$")]
    private static partial Regex SlugPattern();

    [GeneratedRegex("^[A-Z]{3}$")]
    private static partial Regex CurrencyPattern();
}
