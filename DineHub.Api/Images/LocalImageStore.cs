using System.Buffers.Text;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace DineHub.Api.Images;

/// <summary>What an upload URL allows.</summary>
/// <param name="Length">The exact length of the image.</param>
/// <param name="Expired">Whether it is too late.</param>
internal sealed record UploadPermit(long Length, bool Expired);

/// <summary>For development: keeps images in a folder that all replicas of a machine share, and has the API take the uploads.</summary>
internal sealed partial class LocalImageStore : IImageStore
{
    public const int KeyBytes = 32;
    private const string UrlPrefix = "/api/v1/images/";

    private readonly string directory;
    private readonly byte[] key;
    private readonly TimeProvider time;

    /// <param name="directory">The folder; it is created with the first image.</param>
    /// <param name="key">32 bytes that all replicas share, so that any takes the upload that another one allowed; nothing else uses them.</param>
    /// <param name="time">The clock.</param>
    public LocalImageStore(string directory, byte[] key, TimeProvider time)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeyBytes, nameof(key));
        this.directory = directory;
        this.key = key;
        this.time = time;
    }

    public ImageUpload CreateUpload(Guid restaurantId, string contentType, long length)
    {
        var format = ImageFormat.Find(contentType) ?? throw new ArgumentOutOfRangeException(nameof(contentType), contentType, message: null);
        var name = ImageName.Create(format);
        var expiresAt = DateTimeOffset.FromUnixTimeSeconds((time.GetUtcNow() + ImageRules.UploadTakenFor).ToUnixTimeSeconds());
        var expires = expiresAt.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var bytes = length.ToString(CultureInfo.InvariantCulture);
        var url = Url(restaurantId, name);
        return new ImageUpload(
            HttpMethods.Put,
            $"{url}?expires={expires}&length={bytes}&signature={Sign(restaurantId, name, expires, bytes)}",
            new Dictionary<string, string> { ["Content-Type"] = contentType, ["Content-Length"] = bytes },
            url,
            expiresAt);
    }

    Task<ImageUpload> IImageStore.CreateUploadAsync(Guid restaurantId, string contentType, long length) =>
        Task.FromResult(CreateUpload(restaurantId, contentType, length));

    public bool IsOwnUrl(string url) => ImageName.IsUrlBelow(UrlPrefix, url);

    /// <summary>What the query of an upload URL allows; null where this store's key has not signed it.</summary>
    public UploadPermit? Verify(Guid restaurantId, string name, string? expires, string? length, string? signature)
    {
        if (expires is null || length is null || signature is null)
        {
            return null;
        }

        var expected = Encoding.UTF8.GetBytes(Sign(restaurantId, name, expires, length));
        if (!CryptographicOperations.FixedTimeEquals(expected, Encoding.UTF8.GetBytes(signature)))
        {
            return null;
        }

        // Signed, so both are numbers as this class writes them.
        var expiresAt = DateTimeOffset.FromUnixTimeSeconds(long.Parse(expires, CultureInfo.InvariantCulture));
        return new UploadPermit(long.Parse(length, CultureInfo.InvariantCulture), expiresAt <= time.GetUtcNow());
    }

    /// <summary>The file of an image with a valid name; null where there is none.</summary>
    public string? Find(Guid restaurantId, string name) => FileOf(restaurantId, name) is var path && File.Exists(path) ? path : null;

    /// <summary>
    /// Stores an image under a valid name, whole or not at all; false where another image has the name. To store the same one again
    /// is no mistake: the gateway repeats an upload whose answer was lost.
    /// </summary>
    public async Task<bool> TrySaveAsync(Guid restaurantId, string name, ReadOnlyMemory<byte> image, CancellationToken ct)
    {
        var path = FileOf(restaurantId, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temporary = $"{path}.{Guid.NewGuid():n}.tmp";
        try
        {
            await File.WriteAllBytesAsync(temporary, image, ct);
            if (TryLink(temporary, path))
            {
                return true;
            }

            // Whole, as it was linked there, and never changed again.
            var stored = await File.ReadAllBytesAsync(path, ct);
            return image.Span.SequenceEqual(stored);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    // File.Move looks whether the new name is free and then takes it: of two at once, both do.
    private static bool TryLink(string existing, string path)
    {
        if (Link(existing, path) == 0)
        {
            return true;
        }

        var message = Marshal.GetLastPInvokeErrorMessage();
        return File.Exists(path) ? false : throw new IOException($"{path}: {message}");
    }

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string path);

    private static string Url(Guid restaurantId, string name) => $"{UrlPrefix}{restaurantId}/{name}";

    private string FileOf(Guid restaurantId, string name) => ImageName.IsValid(name)
        ? Path.Combine(directory, restaurantId.ToString(), name)
        : throw new ArgumentException("Not the name of an image.", nameof(name));

    private string Sign(Guid restaurantId, string name, string expires, string length) => Base64Url.EncodeToString(
        HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"PUT\n{Url(restaurantId, name)}\n{expires}\n{length}")));
}
