using Amazon.S3;
using Amazon.S3.Model;

namespace DineHub.Api.Images;

/// <summary>Keeps images in a bucket of Amazon S3, from which clients read them, or from a CDN in front of it.</summary>
internal sealed class S3ImageStore : IImageStore
{
    private const string Folder = "menus/";

    private readonly IAmazonS3 s3;
    private readonly string bucket;
    private readonly string publicPrefix;

    /// <param name="s3">The bucket's region, and credentials that may do s3:PutObject on menus/*; it signs and sends nothing.</param>
    /// <param name="bucket">The bucket's name, without dots.</param>
    /// <param name="publicUrl">What images' URLs start with; null for the bucket's own address.</param>
    public S3ImageStore(IAmazonS3 s3, string bucket, string? publicUrl)
    {
        this.s3 = s3;
        this.bucket = bucket;
        var address = publicUrl ?? s3.DetermineServiceOperationEndpoint(new GetObjectRequest { BucketName = bucket, Key = Folder }).URL;
        publicPrefix = $"{address.TrimEnd('/')}/{Folder}";
    }

    public async Task<ImageUpload> CreateUploadAsync(Guid restaurantId, string contentType, long length)
    {
        var format = ImageFormat.Find(contentType) ?? throw new ArgumentOutOfRangeException(nameof(contentType), contentType, message: null);
        var image = $"{restaurantId}/{ImageName.Create(format)}";

        // By the machine's clock, which is the one that the SDK signs by.
        var expiresAt = DateTimeOffset.FromUnixTimeSeconds((DateTimeOffset.UtcNow + ImageRules.UploadTakenFor).ToUnixTimeSeconds());

        // All of the headers are signed, so S3 refuses any other type or length; it keeps Cache-Control and sends it with the image.
        var request = new GetPreSignedUrlRequest
        {
            Verb = HttpVerb.PUT,
            BucketName = bucket,
            Key = Folder + image,
            Expires = expiresAt.UtcDateTime,
            Headers = { ContentType = contentType, ContentLength = length, CacheControl = ImageRules.CacheControl },
        };
        var url = await s3.GetPreSignedURLAsync(request);
        var headers = request.Headers.Keys.ToDictionary(name => name, name => request.Headers[name]);
        return new ImageUpload(HttpMethods.Put, url, headers, publicPrefix + image, expiresAt);
    }

    public bool IsOwnUrl(string url) => ImageName.IsUrlBelow(publicPrefix, url);
}
