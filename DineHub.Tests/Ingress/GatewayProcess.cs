using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using DineHub.AppHost.Running;
using DineHub.Tests.Processes;

namespace DineHub.Tests.Ingress;

/// <summary>The gateway as a process of its own: for signals, and for many connections.</summary>
internal sealed class GatewayProcess : IIngressUnderTest
{
    private readonly StringBuilder output = new();
    private readonly Process process;

    private GatewayProcess(Process process)
    {
        this.process = process;
        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public bool HasEnded => process.HasExited;

    public static async Task<GatewayProcess> StartAsync(IngressSetup setup)
    {
        var gateway = new GatewayProcess(await ProcessLauncher.StartAsync(BuiltGateway.Run(setup.ToArguments(), new Dictionary<string, string>())));
        try
        {
            await Eventually.TrueAsync(() => gateway.ListensAsync(setup.HttpsPort), "the gateway listens");
            return gateway;
        }
        catch
        {
            await gateway.DisposeAsync();
            throw;
        }
    }

    public void BeginStop() => ProcessLauncher.Signal(process, ProcessSignal.Terminate);

    public async ValueTask DisposeAsync()
    {
        ProcessLauncher.Signal(process, ProcessSignal.Kill);
        await Programs.HasEndedAsync(process);
        process.Dispose();
    }

    // By connecting: who looks whether a port is free takes it for a moment, and the gateway would find it taken.
    private async Task<bool> ListensAsync(int port)
    {
        if (process.HasExited)
        {
            throw new InvalidOperationException($"The gateway has ended: {output}");
        }

        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await probe.ConnectAsync(IPAddress.Loopback, port).OrFailAsync("the gateway accepts a connection");
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (output)
        {
            output.AppendLine(line.Data);
        }
    }
}
