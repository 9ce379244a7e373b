using System.Diagnostics;
using System.Net;

namespace DineHub.Tests.Publishing.Isolation;

/// <summary>A WireGuard interface in a namespace: the kernel's, or wireguard-go's where the kernel has none.</summary>
internal sealed class WireGuardInterface : IAsyncDisposable
{
    // What Tailscale sets: it passes everywhere.
    private const int Mtu = 1280;

    private readonly Process? process;

    private WireGuardInterface(Process? process) => this.process = process;

    /// <summary>Whether the kernel has WireGuard.</summary>
    public static Lazy<bool> IsInKernel { get; } = new(() =>
    {
        using var process = Process.Start(new ProcessStartInfo("unshare", ["--net", "ip", "link", "add", "wg0", "type", "wireguard"]) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    });

    /// <summary>Makes an interface.</summary>
    /// <param name="inside">Where.</param>
    /// <param name="name">Its name.</param>
    /// <param name="address">Its address.</param>
    /// <param name="routes">What is sent there, in CIDR notation.</param>
    /// <param name="privateKey">Its key.</param>
    /// <param name="port">The UDP port that it listens on; null for any.</param>
    /// <param name="peers">Whom it talks to.</param>
    public static async Task<WireGuardInterface> StartAsync(
        NetworkNamespace inside, string name, IPAddress address, IEnumerable<string> routes, string privateKey, int? port, IEnumerable<WireGuardPeer> peers)
    {
        Process? process = null;
        if (IsInKernel.Value)
        {
            await inside.RunAsync("ip", ["link", "add", name, "type", "wireguard"]);
        }
        else
        {
            // It is no child that outlives the tests, if these are killed.
            process = await inside.InsideAsync(() => Process.Start(
                new ProcessStartInfo("setpriv", ["--pdeathsig", "KILL", "--", "wireguard-go", "--foreground", name]) { RedirectStandardOutput = true, RedirectStandardError = true })!);
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }

        var made = new WireGuardInterface(process);
        try
        {
            await Eventually.TrueAsync(async () => (await await inside.InsideAsync(() => ProgramRun.OfAsync("wg", ["show", name]))).ExitCode == 0, $"{name} is there");
            var listen = port is null ? "" : $"ListenPort = {port}\n";
            await inside.RunAsync("wg", ["setconf", name, "/dev/stdin"], $"[Interface]\nPrivateKey = {privateKey}\n{listen}{string.Concat(peers)}");
            await inside.RunAsync("ip", ["-batch", "-"], string.Concat(
                [$"address add {address}/32 dev {name}\n", $"link set {name} mtu {Mtu} up\n", .. routes.Select(route => $"route add {route} dev {name}\n")]));
            return made;
        }
        catch
        {
            await made.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }
}
