using System.Security.Cryptography;
using System.Xml.Linq;
using DineHub.Api.Accounts.Keys;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace DineHub.Tests.Accounts;

public sealed class KeyEncryptionTests
{
    private static readonly XElement Key = new("key", new XAttribute("id", Guid.NewGuid()), new XElement("masterKey", new XElement("value", "c2VjcmV0")));

    [Fact]
    public void What_was_encrypted_is_read_again_with_the_same_key()
    {
        var master = Master();
        var encrypted = new KeyEncryptor(master).Encrypt(Key);
        encrypted.DecryptorType.ShouldBe(typeof(KeyDecryptor));
        encrypted.EncryptedElement.ToString().ShouldNotContain("c2VjcmV0");
        XNode.DeepEquals(Decryptor(master).Decrypt(encrypted.EncryptedElement), Key).ShouldBeTrue();
    }

    [Fact]
    public void The_same_key_is_never_encrypted_alike()
    {
        var encryptor = new KeyEncryptor(Master());
        encryptor.Encrypt(Key).EncryptedElement.Value.ShouldNotBe(encryptor.Encrypt(Key).EncryptedElement.Value);
    }

    [Fact]
    public void A_change_of_any_byte_is_noticed()
    {
        var master = Master();
        var bytes = Convert.FromBase64String(new KeyEncryptor(master).Encrypt(Key).EncryptedElement.Value);
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] ^= 1;
            Should.Throw<CryptographicException>(() => Decryptor(master).Decrypt(new XElement("aesGcm", Convert.ToBase64String(bytes))), $"byte {i}");
            bytes[i] ^= 1;
        }
    }

    [Fact]
    public void Another_key_reads_nothing()
    {
        var encrypted = new KeyEncryptor(Master()).Encrypt(Key).EncryptedElement;
        Should.Throw<CryptographicException>(() => Decryptor(Master()).Decrypt(encrypted));
    }

    [Fact]
    public void Each_use_has_a_key_of_its_own_which_is_the_same_at_each_replica()
    {
        var text = Convert.ToBase64String(RandomNumberGenerator.GetBytes(MasterKey.Bytes));
        var (one, other) = (Read(text)!, Read(text)!);
        one.Derive("images").ShouldBe(other.Derive("images"));
        one.Derive("images").ShouldNotBe(one.Derive(KeyDecryptor.Use));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("not Base64")]
    [InlineData("c2hvcnQ=")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==")]
    public void What_is_not_32_bytes_is_no_key(string? text) => Read(text).ShouldBeNull();

    private static MasterKey Master() => Read(Convert.ToBase64String(RandomNumberGenerator.GetBytes(MasterKey.Bytes)))!;

    private static MasterKey? Read(string? text) =>
        MasterKey.TryRead(new ConfigurationBuilder().AddInMemoryCollection([new(MasterKey.ConfigurationKey, text)]).Build());

    private static KeyDecryptor Decryptor(MasterKey master) => new(new ServiceCollection().AddSingleton(master).BuildServiceProvider());
}
