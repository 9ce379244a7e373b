namespace DineHub.Api.Images;

/// <summary>The image to upload.</summary>
/// <param name="ContentType">image/jpeg, image/png or image/webp.</param>
/// <param name="Length">The exact length in bytes, 1 to 1,000,000.</param>
public sealed record ImageUploadRequest(string? ContentType, long? Length);

/// <summary>The permission to upload one image directly to the image store, and the image's link.</summary>
/// <param name="Method">The method to upload with.</param>
/// <param name="UploadUrl">The upload URL; in development relative to this API. A secret: its possession permits the upload.</param>
/// <param name="Headers">The headers that the upload must have.</param>
/// <param name="ImageUrl">The image's link after the upload, for the menu.</param>
/// <param name="ExpiresAt">When the upload URL expires.</param>
public sealed record ImageUpload(
    string Method, string UploadUrl, IReadOnlyDictionary<string, string> Headers, string ImageUrl, DateTimeOffset ExpiresAt);
