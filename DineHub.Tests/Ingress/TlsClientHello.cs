using System.Buffers.Binary;

namespace DineHub.Tests.Ingress;

/// <summary>
/// The first message of a TLS handshake up to TLS 1.2 (RFC 5246, section 7.4.1.2), byte by byte: OpenSSL's own clients offer neither the old versions nor
/// the old suites any more, so that they cannot show that a server refuses them.
/// </summary>
internal static class TlsClientHello
{
    /// <summary>The message as a record.</summary>
    /// <param name="version">The highest version that is offered: 0x0301 is TLS 1.0, 0x0303 is TLS 1.2.</param>
    /// <param name="suites">The cipher suites' numbers.</param>
    public static byte[] Write(ushort version, params ushort[] suites)
    {
        byte[] extensions =
        [
            // supported_groups: secp256r1, x25519, secp384r1
            0, 10, 0, 8, 0, 6, 0, 0x17, 0, 0x1d, 0, 0x18,

            // ec_point_formats: uncompressed
            0, 11, 0, 2, 1, 0,

            // signature_algorithms: ECDSA, PSS and PKCS #1 with SHA-256, -384 and -1
            0, 13, 0, 18, 0, 16, 4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1, 2, 3, 2, 1,
        ];
        byte[] body =
        [
            .. Number(version),
            .. Enumerable.Range(0, 32).Select(i => (byte)i),
            0,
            .. Number((ushort)(2 * suites.Length)),
            .. suites.SelectMany(Number),
            1, 0,
            .. Number((ushort)extensions.Length),
            .. extensions,
        ];
        byte[] handshake = [1, 0, .. Number((ushort)body.Length), .. body];
        return [22, 3, 1, .. Number((ushort)handshake.Length), .. handshake];
    }

    private static byte[] Number(ushort number)
    {
        var bytes = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, number);
        return bytes;
    }
}
