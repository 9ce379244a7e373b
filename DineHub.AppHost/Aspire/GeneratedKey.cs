using System.Security.Cryptography;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Publishing;

namespace DineHub.AppHost.Aspire;

/// <summary>A key of 32 random bytes in Base64. Aspire's own generator makes texts of letters and digits.</summary>
internal sealed class GeneratedKey : ParameterDefault
{
    private const int Bytes = 32;

    public override string GetDefaultValue() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(Bytes));

    // The manifest has no words for it: whoever deploys by that brings the value.
    public override void WriteToManifest(ManifestPublishingContext context)
    {
    }
}
