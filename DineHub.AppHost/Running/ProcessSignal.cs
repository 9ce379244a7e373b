using System.Globalization;
using System.Runtime.InteropServices;

namespace DineHub.AppHost.Running;

/// <summary>POSIX signals to processes that are known by their number.</summary>
internal static partial class ProcessSignal
{
    public const int Interrupt = 2;
    public const int Kill = 9;
    public const int Terminate = 15;

    // Linux' numbers; macOS has others.
    public static readonly int Stop = OperatingSystem.IsLinux() ? 19 : 17;
    public static readonly int Continue = OperatingSystem.IsLinux() ? 18 : 19;

    /// <summary>Sends a signal; a process that has ended is ignored.</summary>
    /// <param name="processId">The process.</param>
    /// <param name="signal">The signal's number.</param>
    public static void Send(int processId, int signal) => _ = SendSignal(processId, signal);

    /// <summary>Sends a signal to a process and to its children.</summary>
    /// <param name="processId">The process.</param>
    /// <param name="signal">The signal's number.</param>
    public static void SendToTree(int processId, int signal)
    {
        Send(processId, signal);
        foreach (var child in ChildrenOf(processId))
        {
            Send(child, signal);
        }
    }

    /// <summary>Whether a process runs. A zombie has ended: only its parent has not asked for the exit code yet.</summary>
    /// <param name="processId">The process.</param>
    public static bool IsAlive(int processId)
    {
        if (SendSignal(processId, 0) != 0)
        {
            return false;
        }

        return StatusOf(processId) is not ['Z', ..];
    }

    /// <summary>The parent of a process; 0 where it has ended.</summary>
    /// <param name="processId">The process.</param>
    public static int ParentOf(int processId) =>
        StatusOf(processId)?.Split(' ') is [_, var parent, ..] ? int.Parse(parent, CultureInfo.InvariantCulture) : 0;

    private static IEnumerable<int> ChildrenOf(int parent) => Directory.Exists("/proc")
        ? Directory.EnumerateDirectories("/proc")
            .Select(path => int.TryParse(Path.GetFileName(path), out var pid) ? pid : 0)
            .Where(pid => pid > 0 && ParentOf(pid) == parent)
        : ChildrenByTool(parent);

    // macOS has no /proc.
    private static List<int> ChildrenByTool(int parent)
    {
        using var pgrep = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("pgrep", ["-P", parent.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardOutput = true,
        })!;
        var output = pgrep.StandardOutput.ReadToEnd();
        pgrep.WaitForExit();
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => int.Parse(line, CultureInfo.InvariantCulture))];
    }

    // proc(5): "pid (name) state ppid …", and the name may hold anything. Null where there is no /proc, or no such process.
    private static string? StatusOf(int processId)
    {
        try
        {
            var status = File.ReadAllText($"/proc/{processId}/stat");
            return status[(status.LastIndexOf(')') + 2)..];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int processId, int signal);
}
