using System.Diagnostics;
using System.Globalization;
using DineHub.AppHost.Prerequisites;
using DineHub.Tests.Processes;

namespace DineHub.Tests.Failover;

/// <summary>A file system in memory over a folder, which can be filled to the last byte.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    // A server of the tests, its WAL, and a copy of both beside it.
    private const int Megabytes = 256;

    // CAP_SYS_ADMIN of capabilities(7), which root need not have in a container.
    private const int MayMount = 21;

    private readonly string folder;

    private SmallDisk(string folder) => this.folder = folder;

    /// <summary>What is missing for such a disk; null where it can be had.</summary>
    public static string? Missing { get; } = !OperatingSystem.IsLinux() ? "Linux (tmpfs)"
        : !Environment.IsPrivilegedProcess ? "root, who may mount a file system"
        : (Capabilities() >> MayMount & 1) == 0 ? "the capability CAP_SYS_ADMIN, without which root may not mount a file system"
        : ProcessLauncher.FindProgram("mount") is null || ProcessLauncher.FindProgram("umount") is null ? "the programs mount and umount (package 'mount')"
        : null;

    private string Ballast => Path.Combine(folder, "ballast");

    public static async Task<SmallDisk> MountAsync(string folder, UnprivilegedUser owner)
    {
        Directory.CreateDirectory(folder);
        await RunAsync("mount", "-t", "tmpfs", "-o", string.Create(CultureInfo.InvariantCulture, $"size={Megabytes}m,mode=0700,uid={owner.UserId},gid={owner.GroupId}"), "dinehub-test", folder);
        return new SmallDisk(folder);
    }

    /// <summary>Takes what is left. What others have given back meanwhile can be taken by doing it again.</summary>
    public void Fill()
    {
        foreach (var size in new[] { 1024 * 1024, 4096 })
        {
            try
            {
                using var file = new FileStream(Ballast, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
                while (true)
                {
                    file.Write(new byte[size]);
                }
            }
            catch (IOException)
            {
                // It is full, but for less than this size.
            }
        }
    }

    public void Free() => File.Delete(Ballast);

    public async ValueTask DisposeAsync() => await RunAsync("umount", folder);

    private static ulong Capabilities() => Convert.ToUInt64(
        File.ReadLines("/proc/self/status").First(line => line.StartsWith("CapEff:", StringComparison.Ordinal)).Split(':')[1].Trim(), 16);

    private static async Task RunAsync(string program, params string[] arguments)
    {
        var (exitCode, _, errors) = await Programs.RunAsync(new ProcessStartInfo(program, arguments));
        exitCode.ShouldBe(0, $"{program} {string.Join(' ', arguments)}: {errors}");
    }
}

/// <summary>A fact about a full disk, which is skipped, with the reason, where a small one can't be mounted.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SmallDiskFactAttribute : FactAttribute
{
    public SmallDiskFactAttribute()
    {
        if (SmallDisk.Missing is { } missing)
        {
            Skip = $"A small disk needs {missing}.";
        }
    }
}
