using System.Text.RegularExpressions;
using Amazon;
using Amazon.S3;

namespace DineHub.Api.Images;

/// <summary>Chooses where images are kept: in the bucket that is configured, or in a folder where none is.</summary>
internal static partial class ImageServices
{
    private const string Bucket = "Images:Bucket";
    private const string Region = "Images:Region";
    private const string PublicUrl = "Images:PublicUrl";
    private const string Directory = "Images:Directory";

    /// <param name="services">The services.</param>
    /// <param name="configuration">Without configuration errors.</param>
    /// <param name="localKey">The key that the local store signs with: 32 bytes that all replicas share.</param>
    public static IServiceCollection AddImages(this IServiceCollection services, IConfiguration configuration, byte[] localKey)
    {
        if (Read(configuration, Bucket) is { } bucket)
        {
            // Without credentials of ours: the SDK finds them, in the environment or as the role of the machine, and renews them.
            return services
                .AddSingleton<IAmazonS3>(_ => new AmazonS3Client(RegionEndpoint.GetBySystemName(configuration[Region]!)))
                .AddSingleton<IImageStore>(provider =>
                    new S3ImageStore(provider.GetRequiredService<IAmazonS3>(), bucket, Read(configuration, PublicUrl)));
        }

        var directory = Path.GetFullPath(Read(configuration, Directory) ?? Path.Combine(Path.GetTempPath(), "dinehub-images"));
        return services
            .AddSingleton(provider => new LocalImageStore(directory, localKey, provider.GetRequiredService<TimeProvider>()))
            .AddSingleton<IImageStore>(provider => provider.GetRequiredService<LocalImageStore>());
    }

    /// <summary>What keeps images from being kept, each with its configuration key.</summary>
    public static IReadOnlyList<string> ConfigurationErrors(IConfiguration configuration)
    {
        var errors = new List<string>();
        if (Read(configuration, Bucket) is not { } bucket)
        {
            return errors;
        }

        if (!BucketPattern().IsMatch(bucket))
        {
            // The certificate of *.s3.REGION.amazonaws.com does not cover a name with dots.
            errors.Add($"{Bucket}: must be the name of a bucket, without dots.");
        }

        if (Read(configuration, Region) is not { } region || !RegionPattern().IsMatch(region))
        {
            errors.Add($"{Region}: must be the bucket's region, such as eu-central-1.");
        }

        if (Read(configuration, PublicUrl) is { } publicUrl
            && !(Uri.TryCreate(publicUrl, UriKind.Absolute, out var uri)
                && uri.Scheme == Uri.UriSchemeHttps
                && uri.Query.Length + uri.Fragment.Length == 0))
        {
            errors.Add($"{PublicUrl}: must be an https URL without a query.");
        }

        return errors;
    }

    private static string? Read(IConfiguration configuration, string key) =>
        configuration[key] is var value && string.IsNullOrWhiteSpace(value) ? null : value;

    [GeneratedRegex(@"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]\z")]
    private static partial Regex BucketPattern();

    [GeneratedRegex(@"^[a-z0-9-]+\z")]
    private static partial Regex RegionPattern();
}
