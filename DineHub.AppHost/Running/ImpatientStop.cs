using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Extensions.DependencyInjection;

namespace DineHub.AppHost.Running;

/// <summary>A second Ctrl+C kills all nodes at once; the first one stops them in order.</summary>
internal sealed class ImpatientStop : IDisposable
{
    // 'dotnet run' passes on a signal that its whole process group gets anyway: that is one, not two.
    private static readonly TimeSpan SameSignal = TimeSpan.FromSeconds(1);

    private readonly List<PosixSignalRegistration> registrations;
    private IServiceProvider? services;
    private long? first;

    public ImpatientStop() => registrations = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM }.Select(signal => PosixSignalRegistration.Create(signal, OnSignal))];

    /// <summary>Names the application whose nodes are killed.</summary>
    /// <param name="application">Its services.</param>
    public void Watch(IServiceProvider application) => services = application;

    /// <inheritdoc/>
    public void Dispose() => registrations.ForEach(registration => registration.Dispose());

    private void OnSignal(PosixSignalContext signal)
    {
        if (services is null)
        {
            return;
        }

        signal.Cancel = true;
        if (first is not { } asked)
        {
            first = Stopwatch.GetTimestamp();
        }
        else if (Stopwatch.GetElapsedTime(asked) >= SameSignal)
        {
            Console.WriteLine("Stopping at once.");
            _ = services.GetRequiredService<NodeSupervisor>().KillAllAsync(CancellationToken.None);
        }
    }
}
