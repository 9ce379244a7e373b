using System.Globalization;
using DineHub.Database.Engines;
using DineHub.Database.Tools;

namespace DineHub.Database.Servers;

/// <summary>
/// A server of an earlier run that still uses the data folder, because the host that had started it was killed. It is ended before another one starts, so
/// that two servers never use one folder.
/// </summary>
/// <param name="files">The server's files.</param>
/// <param name="tool">Runs programs as the server's user.</param>
/// <param name="report">Receives a line where a server is ended.</param>
internal sealed class LeftoverServer(ServerFiles files, ServerTool tool, Action<string> report)
{
    // A fast shutdown writes a checkpoint.
    private const int DeadlineSeconds = 60;

    /// <summary>Ends the server by a fast shutdown, if there is one.</summary>
    /// <param name="ct">Cancels the wait.</param>
    /// <exception cref="DatabaseSetupException">It did not end within 60 s.</exception>
    public async Task StopAsync(CancellationToken ct)
    {
        if (await FindAsync(ct) is not { } pid)
        {
            return;
        }

        report(string.Create(CultureInfo.InvariantCulture, $"a server of an earlier run (process {pid}) uses '{files.DataDirectory}': it is shut down"));
        try
        {
            await tool.RunAsync(
                files.Program("pg_ctl"),
                ["stop", "--pgdata", files.DataDirectory, "--mode=fast", "--wait", string.Create(CultureInfo.InvariantCulture, $"--timeout={DeadlineSeconds}"), "--silent"],
                ct);
        }
        catch (ToolException e)
        {
            // It may have ended by itself meanwhile.
            if (await FindAsync(ct) == pid)
            {
                throw new DatabaseSetupException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"The server of an earlier run (process {pid}) uses '{files.DataDirectory}' and did not end within {DeadlineSeconds} s: 'kill -9 {pid}', then start again. {e.Message}"));
            }
        }
    }

    /// <summary>Whether the command line of a process, as <c>ps</c> prints it, is that of the server on a data folder.</summary>
    internal static bool IsServer(string command, string dataDirectory) =>
        command.Contains("postgres", StringComparison.Ordinal) && (command.TrimEnd() + ' ').Contains($" -D {dataDirectory} ", StringComparison.Ordinal);

    // The file may have outlived its server, and its number may be that of another process by now; in a container it always may.
    private async Task<int?> FindAsync(CancellationToken ct)
    {
        try
        {
            return int.TryParse(File.ReadLines(files["postmaster.pid"]).FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                && (OperatingSystem.IsLinux() ? RunsInDataDirectory(pid) : IsServer(await CommandAsync(pid, ct), files.DataDirectory))
                ? pid
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No such file or process, or a process of another user.
            return null;
        }
    }

    // PostgreSQL changes into its data folder when it starts. Symbolic links are resolved by the kernel on both sides.
    private bool RunsInDataDirectory(int pid)
    {
        var process = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/");
        using var file = File.OpenHandle(files["postmaster.pid"]);
        var opened = new FileInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{file.DangerousGetHandle()}")).LinkTarget;
        return File.ReadAllText(process + "comm").Contains("postgres", StringComparison.Ordinal)
            && Path.GetDirectoryName(opened) == new FileInfo(process + "cwd").LinkTarget;
    }

    private async Task<string> CommandAsync(int pid, CancellationToken ct)
    {
        try
        {
            return await tool.RunAsync("ps", ["-o", "command=", "-p", pid.ToString(CultureInfo.InvariantCulture)], ct);
        }
        catch (ToolException)
        {
            return "";
        }
    }
}
