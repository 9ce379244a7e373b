using DineHub.Api.Accounts;
using DineHub.Api.Http.Errors;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Net.Http.Headers;

namespace DineHub.Api.Images;

/// <summary>Leave to upload images of menus; in development also the uploads and the images themselves.</summary>
internal static class ImageEndpoints
{
    private const string ImagePath = "/images/{restaurantId:guid}/{name}";

    public static IEndpointRouteBuilder MapImages(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/restaurants/{restaurantId:guid}/menu/images", CreateUploadAsync).WithTags("Images").WithName("CreateImageUpload")
            .WithSummary("Request an upload URL for a menu image.")
            .WithDescription(
                "Send the image to uploadUrl within 10 minutes, with the method and the headers of the response; then put imageUrl on the menu. "
                + "An uploadUrl that starts with / is relative to this API's host.")
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .RequireStaff(StaffRole.Manager);
        if (routes.ServiceProvider.GetService<LocalImageStore>() is not null)
        {
            routes.MapLocalImages();
        }

        return routes;
    }

    /// <summary>What object storage does by itself: takes uploads, whose URL is all the leave that they need, and gives images out.</summary>
    public static IEndpointRouteBuilder MapLocalImages(this IEndpointRouteBuilder routes)
    {
        routes.MapPut(ImagePath, UploadAsync).WithTags("Images").WithName("UploadImage")
            .WithSummary("Upload an image (development only).")
            .WithDescription("Takes an uploadUrl from CreateImageUpload. A repeated upload of the same bytes returns 201; other bytes return 409.")
            .Produces(StatusCodes.Status201Created)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status413PayloadTooLarge)
            .AllowAnonymous()

            // The handler reads no more than the URL allows; the limit of all other requests is lower.
            .WithMetadata(new DisableRequestSizeLimitAttribute());
        routes.MapGet(ImagePath, Get).WithTags("Images").WithName("GetImage")
            .WithSummary("Read an image (development only).")
            .Produces(
                StatusCodes.Status200OK,
                contentType: ImageFormat.All[0].ContentType,
                additionalContentTypes: [.. ImageFormat.All.Skip(1).Select(format => format.ContentType)])
            .Produces(StatusCodes.Status304NotModified)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .AllowAnonymous();
        return routes;
    }

    private static async Task<Results<Ok<ImageUpload>, ValidationProblem>> CreateUploadAsync(
        Guid restaurantId, ImageUploadRequest request, IImageStore images)
    {
        if (ImageRules.Check(request) is { Any: true } errors)
        {
            return errors.ToBadRequest();
        }

        return TypedResults.Ok(await images.CreateUploadAsync(restaurantId, request.ContentType!, request.Length!.Value));
    }

    private static async Task<Results<Created, ProblemHttpResult>> UploadAsync(
        Guid restaurantId,
        string name,
        string? expires,
        string? length,
        string? signature,
        LocalImageStore images,
        HttpContext http,
        CancellationToken ct)
    {
        if (!ImageName.IsValid(name))
        {
            return UnknownImage();
        }

        if (images.Verify(restaurantId, name, expires, length, signature) is not { } permit)
        {
            return Problems.Refuse(
                StatusCodes.Status403Forbidden, Refusal.UploadNotAllowed, "This is not a valid upload URL.");
        }

        if (permit.Expired)
        {
            return Problems.Refuse(StatusCodes.Status403Forbidden, Refusal.UploadExpired, "The upload URL has expired.");
        }

        if (http.Request.ContentLength > ImageRules.MaxBytes)
        {
            return Problems.Refuse(
                StatusCodes.Status413PayloadTooLarge, Refusal.ImageTooLarge, $"An image has at most {ImageRules.MaxBytes} bytes.");
        }

        var format = ImageFormat.OfName(name);
        if (!format.ContentType.Equals(http.Request.ContentType, StringComparison.OrdinalIgnoreCase))
        {
            return NotAsAllowed($"The upload must have the Content-Type {format.ContentType}.");
        }

        // One byte more, to see whether there is one.
        var buffer = new byte[permit.Length + 1];
        if ((http.Request.ContentLength ?? permit.Length) != permit.Length
            || await http.Request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, ct) != permit.Length)
        {
            return NotAsAllowed($"The upload must have exactly {permit.Length} bytes.");
        }

        var image = buffer.AsMemory(0, (int)permit.Length);
        if (!format.IsStartOf(image.Span))
        {
            return NotAsAllowed($"The upload is not of the type {format.ContentType}.");
        }

        return await images.TrySaveAsync(restaurantId, name, image, ct)
            ? TypedResults.Created(http.Request.Path)
            : Problems.Refuse(StatusCodes.Status409Conflict, Refusal.ImageExists, "Another image has been uploaded here already.");
    }

    private static Results<PhysicalFileHttpResult, ProblemHttpResult> Get(
        Guid restaurantId, string name, LocalImageStore images, HttpContext http)
    {
        if (!ImageName.IsValid(name) || images.Find(restaurantId, name) is not { } file)
        {
            return UnknownImage();
        }

        http.Response.Headers.CacheControl = ImageRules.CacheControl;
        http.Response.Headers.XContentTypeOptions = "nosniff";

        // The bytes behind a name never change.
        return TypedResults.PhysicalFile(file, ImageFormat.OfName(name).ContentType, entityTag: new EntityTagHeaderValue($"\"{name}\""));
    }

    private static ProblemHttpResult UnknownImage() =>
        Problems.Refuse(StatusCodes.Status404NotFound, Refusal.UnknownImage, "There is no such image.");

    private static ProblemHttpResult NotAsAllowed(string title) =>
        Problems.Refuse(StatusCodes.Status400BadRequest, Refusal.ImageNotAsAllowed, title);
}
