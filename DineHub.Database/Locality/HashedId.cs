namespace DineHub.Database.Locality;

/// <summary>Ids that are derived from what they name.</summary>
public static class HashedId
{
    private const int Bytes = 16;

    /// <summary>A UUID of version 8 (RFC 9562, section 5.8) from the first 16 bytes of a hash.</summary>
    /// <param name="hash">At least 16 bytes.</param>
    public static Guid Of(ReadOnlySpan<byte> hash)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        hash[..Bytes].CopyTo(bytes);
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
