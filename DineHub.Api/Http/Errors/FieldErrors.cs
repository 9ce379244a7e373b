using System.Globalization;
using System.Numerics;
using Microsoft.AspNetCore.Http.HttpResults;

namespace DineHub.Api.Http.Errors;

/// <summary>Collects what is wrong with a request, field by field, so that it is all said at once.</summary>
internal sealed class FieldErrors
{
    private readonly Dictionary<string, List<string>> errors = [];

    public bool Any => errors.Count > 0;

    /// <summary>Adds a rule that a field breaks; the field is named as in the request: <c>lines[0].quantity</c>.</summary>
    public void Add(string field, string rule)
    {
        if (!errors.TryGetValue(field, out var rules))
        {
            errors[field] = rules = [];
        }

        rules.Add(rule);
    }

    /// <summary>A text that must be there, and not too long.</summary>
    public void Require(string field, string? value, int longest)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            Add(field, "is required");
        }

        Limit(field, value, longest);
    }

    /// <summary>A text that may be absent, but not too long, and not what PostgreSQL cannot keep.</summary>
    public void Limit(string field, string? value, int longest)
    {
        if (value?.Length > longest)
        {
            Add(field, $"must be at most {longest} characters");
        }
        else if (value?.Contains('\0', StringComparison.Ordinal) is true)
        {
            Add(field, "must not contain the character U+0000");
        }
    }

    /// <summary>A number that must be there, within a range.</summary>
    public void Range<T>(string field, T? value, T least, T most)
        where T : struct, IComparisonOperators<T, T, bool>
    {
        if (!(value >= least && value <= most))
        {
            Add(field, string.Create(CultureInfo.InvariantCulture, $"must be between {least} and {most}"));
        }
    }

    /// <summary>400: the request itself is not well formed.</summary>
    public ValidationProblem ToBadRequest() =>
        TypedResults.ValidationProblem(ToDictionary(), title: "The request is not valid.");

    /// <summary>422 (RFC 9110, section 15.5.21): well formed, but it does not fit the restaurant's menu.</summary>
    public ProblemHttpResult ToUnprocessable(Refusal reason, string title, Dictionary<string, object?>? more = null)
    {
        more ??= [];
        more["errors"] = ToDictionary();
        return Problems.Refuse(StatusCodes.Status422UnprocessableEntity, reason, title, more);
    }

    private Dictionary<string, string[]> ToDictionary() => errors.ToDictionary(error => error.Key, error => error.Value.ToArray());
}
