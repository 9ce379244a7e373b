using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;

namespace DineHub.Api.Accounts.Keys;

/// <summary>The key that the data-protection keys are encrypted with. It is in no database.</summary>
internal sealed class MasterKey
{
    public const string ConfigurationKey = "DataProtection:Key";
    public const int Bytes = 32;

    private readonly byte[] key;

    private MasterKey(byte[] key) => this.key = key;

    /// <summary>Reads the key; null where it is not 32 bytes in Base64.</summary>
    public static MasterKey? TryRead(IConfiguration configuration)
    {
        var bytes = new byte[Bytes];
        return Convert.TryFromBase64String(configuration[ConfigurationKey] ?? "", bytes, out var length) && length == Bytes ? new MasterKey(bytes) : null;
    }

    /// <summary>A key of its own for each use, so that none can stand for another (HKDF, RFC 5869).</summary>
    public byte[] Derive(string use) => HKDF.DeriveKey(HashAlgorithmName.SHA256, key, Bytes, info: Encoding.UTF8.GetBytes("dinehub/" + use));
}

/// <summary>Encrypts data-protection keys with AES-256-GCM. With certificates, the framework's own ProtectKeysWithCertificate would do it.</summary>
internal sealed class KeyEncryptor(MasterKey master) : IXmlEncryptor
{
    public EncryptedXmlInfo Encrypt(XElement plaintextElement)
    {
        var plain = Encoding.UTF8.GetBytes(plaintextElement.ToString(SaveOptions.DisableFormatting));
        var nonce = RandomNumberGenerator.GetBytes(AesGcm.NonceByteSizes.MaxSize);
        var tag = new byte[AesGcm.TagByteSizes.MaxSize];
        var cipher = new byte[plain.Length];
        using var aes = new AesGcm(master.Derive(KeyDecryptor.Use), tag.Length);
        aes.Encrypt(nonce, plain, cipher, tag);
        return new EncryptedXmlInfo(
            new XElement("aesGcm", Convert.ToBase64String((byte[])[.. nonce, .. tag, .. cipher])), typeof(KeyDecryptor));
    }
}

/// <summary>Reads what <see cref="KeyEncryptor"/> wrote. The framework makes it by its type's name.</summary>
internal sealed class KeyDecryptor(IServiceProvider services) : IXmlDecryptor
{
    public const string Use = "data-protection";

    public XElement Decrypt(XElement encryptedElement)
    {
        ReadOnlySpan<byte> bytes = Convert.FromBase64String(encryptedElement.Value);
        var nonce = bytes[..AesGcm.NonceByteSizes.MaxSize];
        var tag = bytes.Slice(nonce.Length, AesGcm.TagByteSizes.MaxSize);
        var cipher = bytes[(nonce.Length + tag.Length)..];
        var plain = new byte[cipher.Length];
        using var aes = new AesGcm(services.GetRequiredService<MasterKey>().Derive(Use), tag.Length);
        aes.Decrypt(nonce, cipher, tag, plain);
        return XElement.Parse(Encoding.UTF8.GetString(plain));
    }
}
