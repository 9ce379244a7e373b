namespace DineHub.Api.Images;

/// <summary>A format that images may have.</summary>
internal sealed class ImageFormat
{
    // By the magic bytes; null stands for a byte that may be anything.
    private readonly byte?[] start;

    private ImageFormat(string contentType, string extension, byte?[] start)
    {
        ContentType = contentType;
        Extension = extension;
        this.start = start;
    }

    public static IReadOnlyList<ImageFormat> All { get; } =
    [
        new("image/jpeg", "jpg", [0xFF, 0xD8, 0xFF]),
        new("image/png", "png", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
        // "RIFF", a length of four bytes, "WEBP".
        new("image/webp", "webp", [0x52, 0x49, 0x46, 0x46, null, null, null, null, 0x57, 0x45, 0x42, 0x50]),
    ];

    public string ContentType { get; }

    /// <summary>Without its dot.</summary>
    public string Extension { get; }

    public static ImageFormat? Find(string? contentType) => All.FirstOrDefault(format => format.ContentType == contentType);

    /// <summary>The format of an image with a valid name.</summary>
    public static ImageFormat OfName(string name) => All.First(format => name.EndsWith($".{format.Extension}", StringComparison.Ordinal));

    /// <summary>Whether a file starts as those of this format do.</summary>
    public bool IsStartOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < start.Length)
        {
            return false;
        }

        for (var i = 0; i < start.Length; i++)
        {
            if (start[i] is { } expected && bytes[i] != expected)
            {
                return false;
            }
        }

        return true;
    }
}
