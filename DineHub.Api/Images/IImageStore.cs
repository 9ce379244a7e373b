namespace DineHub.Api.Images;

/// <summary>Where images are kept. Clients upload to it and read from it themselves; the API gives out links.</summary>
internal interface IImageStore
{
    /// <summary>Leave to upload one image of a restaurant, of exactly this type and length.</summary>
    Task<ImageUpload> CreateUploadAsync(Guid restaurantId, string contentType, long length);

    /// <summary>Whether a URL is an image of this store: menus link to no other.</summary>
    bool IsOwnUrl(string url);
}
