using System.Diagnostics;
using DineHub.Tests.Ingress;
using DineHub.Tests.Processes;

namespace DineHub.Tests;

/// <summary>A fact about nginx in a network namespace of its own, which is skipped, with the reason, where that can't be had.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NetworkNamespaceFactAttribute : FactAttribute
{
    private static readonly (string Program, string Package)[] Programs = [("ip", "iproute2"), ("unshare", "util-linux"), ("curl", "curl")];

    /// <summary>Why nothing happens where <see cref="IsPermitted"/> is false.</summary>
    internal const string NeedsRights = "A network namespace needs root, with the capability CAP_SYS_ADMIN.";

    private static readonly Lazy<bool> Permitted = new(() =>
    {
        if (ProcessLauncher.FindProgram("unshare") is null || ProcessLauncher.FindProgram("ip") is null)
        {
            return false;
        }

        using var process = Process.Start(new ProcessStartInfo("unshare", ["--net", "ip", "link", "set", "lo", "up"]) { RedirectStandardError = true })!;
        if (process.WaitForExit(Deadline.Usual))
        {
            return process.ExitCode == 0;
        }

        process.Kill(entireProcessTree: true);
        return false;
    });

    /// <summary>Whether this process may make network namespaces.</summary>
    internal static bool IsPermitted => Permitted.Value;

    public NetworkNamespaceFactAttribute()
    {
        var missing = Programs.Where(pair => ProcessLauncher.FindProgram(pair.Program) is null).Select(pair => $"{pair.Program} is not installed: apt-get install {pair.Package}");
        Skip = NginxProcess.Missing ?? missing.FirstOrDefault() ?? (IsPermitted ? null : NeedsRights);
    }
}
