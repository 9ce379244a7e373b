using System.Diagnostics;
using DineHub.AppHost.Local;

namespace DineHub.Tests.Ingress;

/// <summary>The gateway as a process of its own: for signals, and for many connections.</summary>
internal sealed class GatewayProcess(Process process) : IIngressUnderTest
{
    public bool HasEnded => process.HasExited;

    public static async Task<GatewayProcess> StartAsync(IngressSetup setup)
    {
        var process = await ProcessLauncher.StartAsync(ClusterContext.DotNet("DineHub.Gateway", setup.ToArguments(), new Dictionary<string, string>()));
        var output = new System.Text.StringBuilder();
        process.OutputDataReceived += (_, line) => output.AppendLine(line.Data);
        process.ErrorDataReceived += (_, line) => output.AppendLine(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        await Eventually.TrueAsync(
            () => !PortAllocator.IsFree(setup.HttpsPort) || (process.HasExited ? throw new InvalidOperationException($"The gateway has ended: {output}") : false),
            "the gateway listens");
        return new GatewayProcess(process);
    }

    public void BeginStop() => ProcessLauncher.Signal(process, ProcessLauncher.SigTerm);

    public async ValueTask DisposeAsync()
    {
        ProcessLauncher.Signal(process, ProcessLauncher.SigKill);
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
