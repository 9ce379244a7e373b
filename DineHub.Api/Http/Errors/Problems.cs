using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace DineHub.Api.Http.Errors;

/// <summary>
/// Why a request was refused, for machines: the member <c>reason</c> of a problem, and the end of its <c>type</c>. Each has its line in
/// docs/problems.md.
/// </summary>
internal enum Refusal
{
    UnknownRestaurant,
    UnknownOrder,
    UnknownItem,
    UnknownAccount,
    UnknownInvitation,
    UnknownImage,
    SlugTaken,
    EmailTaken,
    TaxRateInUse,

    DoesNotFitTheMenu,
    ItemUnavailable,
    OutOfStock,
    Closed,
    ClosedForGood,
    Paused,
    KitchenFull,
    NotASlot,
    FulfilmentNotOffered,
    OutsideDeliveryArea,
    BelowMinimum,
    TotalChanged,
    MenuChanging,
    IdempotencyKeyReused,

    IllegalTransition,
    VersionMismatch,
    VersionRequired,

    WrongCredentials,
    SessionEnded,
    TooManyTries,
    RoleTooLow,
    LastOwner,
    OrderOnItsWay,

    UploadNotAllowed,
    UploadExpired,
    ImageTooLarge,
    ImageNotAsAllowed,
    ImageExists,
}

/// <summary>The problems (RFC 9457) that more than one endpoint answers with.</summary>
internal static class Problems
{
    public const string TypePrefix = "urn:dinehub:problem:";

    public static ProblemHttpResult UnknownRestaurant() =>
        Refuse(StatusCodes.Status404NotFound, Refusal.UnknownRestaurant, "There is no such restaurant.");

    public static ProblemHttpResult UnknownOrder() =>
        Refuse(StatusCodes.Status404NotFound, Refusal.UnknownOrder, "There is no such order.");

    public static ProblemHttpResult UnknownItem() =>
        Refuse(StatusCodes.Status404NotFound, Refusal.UnknownItem, "There is no such item.");

    public static ProblemHttpResult VersionMismatch(int version) =>
        Refuse(StatusCodes.Status412PreconditionFailed, Refusal.VersionMismatch, "The resource has changed.", new() { ["version"] = version });

    public static ProblemHttpResult VersionRequired() =>
        Refuse(StatusCodes.Status428PreconditionRequired, Refusal.VersionRequired, "If-Match is required, with the ETag of the resource to change.");

    public static ProblemHttpResult SessionEnded() =>
        Refuse(StatusCodes.Status401Unauthorized, Refusal.SessionEnded, "The session was ended. Sign in.");

    public static ProblemHttpResult Refuse(int status, Refusal reason, string title, Dictionary<string, object?>? more = null)
    {
        var extensions = more ?? [];
        extensions["reason"] = reason.ToString();
        return TypedResults.Problem(new ProblemDetails { Type = TypePrefix + reason, Title = title, Status = status, Extensions = extensions });
    }
}
