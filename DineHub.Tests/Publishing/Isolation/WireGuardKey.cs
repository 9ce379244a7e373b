namespace DineHub.Tests.Publishing.Isolation;

/// <summary>A pair of keys, made for a test.</summary>
/// <param name="Private">The private key.</param>
/// <param name="Public">The public key.</param>
internal sealed record WireGuardKey(string Private, string Public)
{
    public static async Task<WireGuardKey> MakeAsync()
    {
        var privateKey = (await ProgramRun.OfAsync("wg", ["genkey"])).Output.Trim();
        return new WireGuardKey(privateKey, (await ProgramRun.OfAsync("wg", ["pubkey"], privateKey)).Output.Trim());
    }
}
