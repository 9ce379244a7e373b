namespace DineHub.Api.Images;

/// <summary>What is to be uploaded.</summary>
/// <param name="ContentType">image/jpeg, image/png or image/webp.</param>
/// <param name="Length">The exact length in bytes, 1 to 1,000,000.</param>
public sealed record ImageUploadRequest(string? ContentType, long? Length);

/// <summary>Leave to upload one image, straight to where images are kept, and the link that it has from then on.</summary>
/// <param name="Method">The method to upload with.</param>
/// <param name="UploadUrl">Where to upload to; in development relative to this API. Whoever has it may upload: it is not to be shown.</param>
/// <param name="Headers">The headers that the upload must have.</param>
/// <param name="ImageUrl">The image's link once it is there, for the menu.</param>
/// <param name="ExpiresAt">Until when the upload is taken.</param>
public sealed record ImageUpload(
    string Method, string UploadUrl, IReadOnlyDictionary<string, string> Headers, string ImageUrl, DateTimeOffset ExpiresAt);
