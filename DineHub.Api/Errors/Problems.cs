using Microsoft.AspNetCore.Http.HttpResults;

namespace DineHub.Api.Errors;

/// <summary>Why a request was refused, for machines: the member <c>reason</c> of a problem.</summary>
internal enum Refusal
{
    UnknownRestaurant,
    UnknownOrder,
    DoesNotFitTheMenu,
    TotalChanged,
    MenuChanging,
    IdempotencyKeyReused,
    IllegalTransition,
    VersionMismatch,
}

/// <summary>The problems (RFC 9457) that more than one endpoint answers with.</summary>
internal static class Problems
{
    public static ProblemHttpResult UnknownRestaurant() =>
        Refuse(StatusCodes.Status404NotFound, Refusal.UnknownRestaurant, "There is no such restaurant.");

    public static ProblemHttpResult UnknownOrder() =>
        Refuse(StatusCodes.Status404NotFound, Refusal.UnknownOrder, "There is no such order.");

    public static ProblemHttpResult Refuse(int status, Refusal reason, string title, Dictionary<string, object?>? more = null)
    {
        var extensions = more ?? [];
        extensions["reason"] = reason.ToString();
        return TypedResults.Problem(title: title, statusCode: status, extensions: extensions);
    }
}
