using DineHub.Api.Http.Errors;

namespace DineHub.Api.Images;

/// <summary>What images and their uploads must be, wherever they are kept.</summary>
internal static class ImageRules
{
    public const int MaxBytes = 1_000_000;
    public const string CacheControl = "public, max-age=31536000, immutable";
    public static readonly TimeSpan UploadTakenFor = TimeSpan.FromMinutes(10);

    public static FieldErrors Check(ImageUploadRequest request)
    {
        var errors = new FieldErrors();
        if (ImageFormat.Find(request.ContentType) is null)
        {
            errors.Add("contentType", $"must be one of {string.Join(", ", ImageFormat.All.Select(format => format.ContentType))}");
        }

        if (request.Length is not (>= 1 and <= MaxBytes))
        {
            errors.Add("length", $"must be between 1 and {MaxBytes} bytes");
        }

        return errors;
    }
}
