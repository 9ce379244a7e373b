using DineHub.Tests.Processes;

namespace DineHub.Tests.Publishing.Isolation;

/// <summary>A fact about packets between network namespaces, which is skipped, with the reason, where these or WireGuard can't be had.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class IsolationFactAttribute : FactAttribute
{
    private static readonly (string Program, string Package)[] Programs =
        [("ip", "iproute2"), ("nft", "nftables"), ("wg", "wireguard-tools"), ("unshare", "util-linux"), ("setpriv", "util-linux")];

    public IsolationFactAttribute()
    {
        var missing = Programs.Where(pair => !IsInstalled(pair.Program)).Select(pair => $"{pair.Program} is not installed: apt-get install {pair.Package}").FirstOrDefault();
        Skip = missing ?? (NetworkNamespaceFactAttribute.IsPermitted ? MissingWireGuard() : NetworkNamespaceFactAttribute.NeedsRights);
    }

    private static string? MissingWireGuard() => (WireGuardInterface.IsInKernel.Value, IsInstalled("wireguard-go"), File.Exists("/dev/net/tun")) switch
    {
        (true, _, _) or (_, true, true) => null,
        (_, false, _) => "The kernel has no WireGuard, and wireguard-go is not installed: apt-get install wireguard-go",
        _ => "The kernel has no WireGuard, and wireguard-go needs /dev/net/tun.",
    };

    private static bool IsInstalled(string program) => ProcessLauncher.FindProgram(program) is not null;
}
