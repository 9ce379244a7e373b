using System.Globalization;
using System.Text.Json;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using DineHub.Api.Images;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace DineHub.Tests.Images;

public sealed class ImageStoreTests
{
    private const string Restaurant = "0198c0de-0000-7000-8000-00000000abcd";
    private const string Name = "AAAAAAAAAAAAAAAAAAAA_-.webp";
    private const string AccessKeyId = "AKIAIOSFODNN7EXAMPLE";
    private const string Secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    private static readonly byte[] Key = new byte[LocalImageStore.KeyBytes];
    private readonly Clock clock = new();

    public static TheoryData<string, bool> PathsOfImages => new()
    {
        { $"{Restaurant}/{Name}", true },
        { $"{Restaurant}/{Name}?x=1", false },
        { $"{Restaurant}/{Name}#x", false },
        { $"{Restaurant}/{Name}\n", false },
        { $"{Restaurant}/../{Name}", false },
        { $"{Restaurant}/{Name[1..]}", false },
        { $"{Restaurant}/{Name[..22]}.svg", false },
        { $"x/{Name}", false },
        { "", false },
    };

    [Theory]
    [MemberData(nameof(PathsOfImages))]
    public void A_store_knows_its_own_urls(string path, bool own)
    {
        using var directory = new TemporaryDirectory();
        var local = new LocalImageStore(directory.Path, Key, clock);
        local.IsOwnUrl("/api/v1/images/" + path).ShouldBe(own);
        local.IsOwnUrl("https://evil.example/api/v1/images/" + path).ShouldBeFalse();
        var bucket = S3();
        bucket.IsOwnUrl("https://dinehub.s3.eu-central-1.amazonaws.com/menus/" + path).ShouldBe(own);
        bucket.IsOwnUrl("https://dinehub.s3.eu-central-1.amazonaws.com.evil.example/menus/" + path).ShouldBeFalse();
        bucket.IsOwnUrl("http://dinehub.s3.eu-central-1.amazonaws.com/menus/" + path).ShouldBeFalse();
        var behindCdn = S3("https://cdn.example/i/");
        behindCdn.IsOwnUrl("https://cdn.example/i/menus/" + path).ShouldBe(own);
        behindCdn.IsOwnUrl("https://dinehub.s3.eu-central-1.amazonaws.com/menus/" + path).ShouldBeFalse();
    }

    [Theory]
    [InlineData("image/jpeg", ".jpg")]
    [InlineData("image/png", ".png")]
    [InlineData("image/webp", ".webp")]
    public async Task An_upload_to_the_bucket_is_signed_for_one_object_one_type_and_one_length(string contentType, string extension)
    {
        var store = S3("https://cdn.example");
        var upload = await store.CreateUploadAsync(Guid.Parse(Restaurant), contentType, 1234);
        upload.Method.ShouldBe("PUT");
        upload.Headers.ShouldBe(
            new Dictionary<string, string> { ["Content-Type"] = contentType, ["Content-Length"] = "1234", ["Cache-Control"] = ImageRules.CacheControl },
            ignoreOrder: true);
        var url = new Uri(upload.UploadUrl);
        url.Scheme.ShouldBe("https");
        url.Host.ShouldBe("dinehub.s3.eu-central-1.amazonaws.com");
        url.AbsolutePath.ShouldStartWith($"/menus/{Restaurant}/");
        upload.ImageUrl.ShouldBe("https://cdn.example" + url.AbsolutePath);
        upload.ImageUrl.ShouldEndWith(extension);
        store.IsOwnUrl(upload.ImageUrl).ShouldBeTrue();
        (await store.CreateUploadAsync(Guid.Parse(Restaurant), contentType, 1234)).ImageUrl.ShouldNotBe(upload.ImageUrl);

        var query = QueryHelpers.ParseQuery(url.Query);
        query["X-Amz-SignedHeaders"].ToString().ShouldBe("cache-control;content-length;content-type;host");
        query["X-Amz-Credential"].ToString().ShouldMatch($@"\A{AccessKeyId}/\d{{8}}/eu-central-1/s3/aws4_request\z");
        var signedAt = DateTimeOffset.ParseExact(
            query["X-Amz-Date"].ToString(), "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
        signedAt.ShouldBe(DateTimeOffset.UtcNow, TimeSpan.FromMinutes(1));

        // The SDK rounds to whole seconds.
        var expiresAt = signedAt.AddSeconds(int.Parse(query["X-Amz-Expires"].ToString(), CultureInfo.InvariantCulture));
        (upload.ExpiresAt - expiresAt).Duration().ShouldBeLessThanOrEqualTo(TimeSpan.FromSeconds(1));
        (upload.ExpiresAt - signedAt).ShouldBe(TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task Neither_the_secret_nor_anything_made_of_it_but_the_signature_leaves_the_server()
    {
        var upload = await S3().CreateUploadAsync(Guid.Parse(Restaurant), "image/png", 1234);
        var shown = Uri.UnescapeDataString(JsonSerializer.Serialize(upload));
        shown.ShouldContain(AccessKeyId);
        shown.ShouldNotContain(Secret);
        upload.Headers.Keys.ShouldNotContain("Authorization");
        QueryHelpers.ParseQuery(new Uri(upload.UploadUrl).Query).Keys.ShouldBe(
            ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Signature", "X-Amz-SignedHeaders"], ignoreOrder: true);
    }

    [Theory]
    [InlineData("us-east-1", "https://dinehub.s3.us-east-1.amazonaws.com/menus/")]
    [InlineData("eu-central-1", "https://dinehub.s3.eu-central-1.amazonaws.com/menus/")]
    [InlineData("cn-north-1", "https://dinehub.s3.cn-north-1.amazonaws.com.cn/menus/")]
    [InlineData("eu-future-9", "https://dinehub.s3.eu-future-9.amazonaws.com/menus/")]
    public async Task Images_are_read_where_they_are_uploaded_to_unless_a_cdn_is_configured(string region, string prefix)
    {
        var store = S3(region: region);
        var upload = await store.CreateUploadAsync(Guid.Parse(Restaurant), "image/png", 1234);
        upload.ImageUrl.ShouldStartWith(prefix);
        upload.UploadUrl.ShouldStartWith(upload.ImageUrl + "?");
        store.IsOwnUrl(upload.ImageUrl).ShouldBeTrue();
    }

    [Fact]
    public async Task The_token_of_a_role_is_part_of_the_upload()
    {
        var upload = await S3(credentials: new SessionAWSCredentials(AccessKeyId, Secret, "a/token==")).CreateUploadAsync(Guid.Parse(Restaurant), "image/png", 1);
        var query = QueryHelpers.ParseQuery(new Uri(upload.UploadUrl).Query);
        query["X-Amz-Security-Token"].ToString().ShouldBe("a/token==");
        query["X-Amz-SignedHeaders"].ToString().ShouldBe("cache-control;content-length;content-type;host");
        upload.Headers.Keys.ShouldBe(["Content-Type", "Content-Length", "Cache-Control"], ignoreOrder: true);
    }

    [Theory]
    [InlineData("image/png", 1L)]
    [InlineData("image/webp", 1_000_000L)]
    [InlineData("image/jpeg", 0L, "length")]
    [InlineData("image/jpeg", 1_000_001L, "length")]
    [InlineData("image/jpeg", null, "length")]
    [InlineData("image/svg+xml", 10L, "contentType")]
    [InlineData("IMAGE/PNG", 10L, "contentType")]
    [InlineData(null, null, "contentType", "length")]
    public void What_may_not_be_uploaded_is_named(string? contentType, long? length, params string[] fields) =>
        ImageRules.Check(new ImageUploadRequest(contentType, length)).ToBadRequest().ProblemDetails.Errors.Keys.ShouldBe(fields);

    [Fact]
    public void Images_are_kept_in_a_bucket_where_one_is_configured_and_in_a_folder_otherwise()
    {
        var configuration = new ConfigurationManager();
        ImageServices.ConfigurationErrors(configuration).ShouldBeEmpty();
        StoreOf(configuration).ShouldBeOfType<LocalImageStore>();

        configuration["Images:Bucket"] = "dinehub";
        configuration["Images:Region"] = "eu-central-1";
        ImageServices.ConfigurationErrors(configuration).ShouldBeEmpty("the SDK finds the credentials, or there is a role");
        var store = StoreOf(configuration).ShouldBeOfType<S3ImageStore>();
        store.IsOwnUrl($"https://dinehub.s3.eu-central-1.amazonaws.com/menus/{Restaurant}/{Name}").ShouldBeTrue();

        configuration["Images:PublicUrl"] = "https://cdn.example";
        ImageServices.ConfigurationErrors(configuration).ShouldBeEmpty();
        StoreOf(configuration).IsOwnUrl($"https://cdn.example/menus/{Restaurant}/{Name}").ShouldBeTrue();
    }

    [Fact]
    public void Every_mistake_in_the_configuration_is_reported_at_once()
    {
        var configuration = new ConfigurationManager();
        configuration["Images:Bucket"] = "with.dots";
        configuration["Images:PublicUrl"] = "http://cdn.example";
        ImageServices.ConfigurationErrors(configuration).Select(error => error[..error.IndexOf(": ", StringComparison.Ordinal)])
            .ShouldBe(["Images:Bucket", "Images:Region", "Images:PublicUrl"]);
    }

    private static IImageStore StoreOf(IConfiguration configuration)
    {
        using var services = new ServiceCollection().AddSingleton(TimeProvider.System).AddImages(configuration, Key).BuildServiceProvider();
        return services.GetRequiredService<IImageStore>();
    }

    // Signing needs no network, nor do these credentials exist.
    private static S3ImageStore S3(string? publicUrl = null, string region = "eu-central-1", AWSCredentials? credentials = null) => new(
        new AmazonS3Client(credentials ?? new BasicAWSCredentials(AccessKeyId, Secret), RegionEndpoint.GetBySystemName(region)), "dinehub", publicUrl);
}
