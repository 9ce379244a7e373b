using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace DineHub.Api.Restaurants;

/// <summary>A position in the directory: behind the restaurant of a name, or of a distance. Opaque to clients.</summary>
internal sealed record RestaurantCursor(string Key, Guid Id)
{
    private const int IdBytes = 16;

    public static bool TryParse(string text, [NotNullWhen(true)] out RestaurantCursor? cursor)
    {
        cursor = null;
        if (text.Length > 1024 || !Base64Url.IsValid(text))
        {
            return false;
        }

        var bytes = Base64Url.DecodeFromChars(text);
        if (bytes.Length <= IdBytes)
        {
            return false;
        }

        try
        {
            var key = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(bytes.AsSpan(IdBytes));
            if (key.Contains('\0', StringComparison.Ordinal))
            {
                return false;
            }

            cursor = new RestaurantCursor(key, new Guid(bytes.AsSpan(0, IdBytes), bigEndian: true));
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }

    public override string ToString() => Base64Url.EncodeToString([.. Id.ToByteArray(bigEndian: true), .. Encoding.UTF8.GetBytes(Key)]);
}
