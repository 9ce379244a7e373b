using Microsoft.AspNetCore.Http.HttpResults;

namespace DineHub.Api.Errors;

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

    /// <summary>400: the request itself is not well formed.</summary>
    public ValidationProblem ToBadRequest() =>
        TypedResults.ValidationProblem(ToDictionary(), title: "The request is not valid.");

    /// <summary>422 (RFC 9110, section 15.5.21): well formed, but it does not fit the restaurant's menu.</summary>
    public ProblemHttpResult ToUnprocessable(Refusal reason, string title) =>
        Problems.Refuse(StatusCodes.Status422UnprocessableEntity, reason, title, new() { ["errors"] = ToDictionary() });

    private Dictionary<string, string[]> ToDictionary() => errors.ToDictionary(error => error.Key, error => error.Value.ToArray());
}
