using System.Collections.Concurrent;
using System.ComponentModel;
using System.Runtime.InteropServices;

namespace DineHub.Tests.Publishing.Isolation;

/// <summary>
/// A network namespace, which has no name and ends with its last user: nothing of it stays, whatever becomes of the tests. A thread is in it; what that thread makes,
/// sockets and processes, is in it too, wherever it is used from. Its <c>/run</c> is its own, for programs that know each other by files there.
/// </summary>
internal sealed partial class NetworkNamespace : IDisposable
{
    private const int CloneNewMounts = 0x00020000;
    private const int CloneNewNetwork = 0x40000000;
    private const ulong MountRecursive = 0x4000;
    private const ulong MountPrivate = 0x40000;

    private readonly BlockingCollection<Action> requests = [];
    private readonly Thread thread;

    private NetworkNamespace()
    {
        thread = new Thread(() =>
        {
            foreach (var request in requests.GetConsumingEnumerable())
            {
                request();
            }
        })
        { IsBackground = true, Name = "network namespace" };
        thread.Start();
    }

    /// <summary>A path that stands for it while it is there.</summary>
    public string Path { get; private set; } = "";

    public static async Task<NetworkNamespace> CreateAsync()
    {
        var created = new NetworkNamespace();
        try
        {
            created.Path = await created.InsideAsync(Enter);
            await created.RunAsync("ip", ["link", "set", "lo", "up"]);
            return created;
        }
        catch
        {
            created.Dispose();
            throw;
        }
    }

    /// <summary>Does something on the thread that is in the namespace.</summary>
    public Task<T> InsideAsync<T>(Func<T> action)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        requests.Add(() =>
        {
            try
            {
                done.SetResult(action());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        return done.Task;
    }

    /// <summary>Runs a program in the namespace to its end, which must be a good one.</summary>
    /// <returns>What it wrote.</returns>
    public async Task<string> RunAsync(string program, IEnumerable<string> arguments, string input = "")
    {
        var run = await await InsideAsync(() => ProgramRun.OfAsync(program, arguments, input));
        run.ExitCode.ShouldBe(0, $"{program} {string.Join(' ', arguments)}\n{input}\n{run.Error}");
        return run.Output;
    }

    public void Dispose()
    {
        requests.CompleteAdding();
        thread.Join();
        requests.Dispose();
    }

    private static string Enter()
    {
        Check(Unshare(CloneNewMounts | CloneNewNetwork));
        Check(Mount("none", "/", null, MountRecursive | MountPrivate, 0));
        Check(Mount("tmpfs", "/run", "tmpfs", 0, 0));
        return $"/proc/{new FileInfo("/proc/thread-self").LinkTarget}/ns/net";
    }

    private static void Check(int result)
    {
        if (result != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Mount(string source, string target, string? fileSystem, ulong flags, nint data);
}
