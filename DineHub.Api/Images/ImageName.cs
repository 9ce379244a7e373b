using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace DineHub.Api.Images;

/// <summary>The names of images: 128 random bits and the format's extension, so that none is guessed or taken twice.</summary>
internal static partial class ImageName
{
    private const int RandomBytes = 16;

    public static string Create(ImageFormat format) =>
        $"{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(RandomBytes))}.{format.Extension}";

    public static bool IsValid(string name) => NamePattern().IsMatch(name);

    /// <summary>Whether a URL is a prefix, a restaurant's id and the name of an image, and nothing else.</summary>
    public static bool IsUrlBelow(string prefix, string url) =>
        url.StartsWith(prefix, StringComparison.Ordinal) && PathPattern().IsMatch(url[prefix.Length..]);

    // \z and not $, which also matches before a line feed at the end.
    [GeneratedRegex(@"^[A-Za-z0-9_-]{22}\.(jpg|png|webp)\z", RegexOptions.ExplicitCapture)]
    private static partial Regex NamePattern();

    [GeneratedRegex(@"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/[A-Za-z0-9_-]{22}\.(jpg|png|webp)\z", RegexOptions.ExplicitCapture)]
    private static partial Regex PathPattern();
}
