using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace DineHub.Database.Tools;

/// <summary>
/// Runs the programs that work on a server's files (initdb, pg_basebackup, pg_rewind, pg_ctl, pgbackrest) as the user who owns them: PostgreSQL's refuse to
/// run as root, and what they write must be the server's.
/// </summary>
/// <param name="ownedPath">A folder that the server's user owns; where this process is root, the program runs as that user.</param>
public sealed class ServerTool(string ownedPath)
{
    private const int MaxLines = 20;

    /// <summary>Runs a program to its end.</summary>
    /// <param name="program">The program: a path, or a name on PATH.</param>
    /// <param name="arguments">Its arguments. Nothing secret: other users see them.</param>
    /// <param name="ct">Kills it.</param>
    /// <param name="environment">Variables beside those of this process, such as passwords.</param>
    /// <returns>Its standard output.</returns>
    /// <exception cref="ToolException">It is not there, or it failed; the message has the end of its output.</exception>
    public async Task<string> RunAsync(
        string program, IReadOnlyList<string> arguments, CancellationToken ct, IReadOnlyDictionary<string, string>? environment = null)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        string[] command = [.. await AsOwnerAsync(ct), program, .. arguments];
        var (exitCode, output, errors) = await RunAsync(command, environment, ct);
        return exitCode == 0 ? output : throw new ToolException(Path.GetFileName(program), exitCode, LastLines(errors.Length > 0 ? errors : output));
    }

    /// <summary>Writes a file that only the server's user may read.</summary>
    /// <param name="path">The file.</param>
    /// <param name="text">Its text.</param>
    /// <param name="ct">Cancels the work.</param>
    public async Task WriteAsync(string path, string text, CancellationToken ct)
    {
        await using (var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            await file.WriteAsync(Encoding.UTF8.GetBytes(text), ct);
        }

        if (Environment.IsPrivilegedProcess)
        {
            var (exitCode, _, errors) = await RunAsync(["chown", "--reference", ownedPath, path], environment: null, ct);
            if (exitCode != 0)
            {
                throw new ToolException("chown", exitCode, LastLines(errors));
            }
        }
    }

    private async Task<string[]> AsOwnerAsync(CancellationToken ct)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return [];
        }

        var (exitCode, output, errors) = await RunAsync(["stat", "--format", "%u %g", ownedPath], environment: null, ct);
        return exitCode == 0 && output.Trim().Split(' ') is [var user, var group]
            ? ["setpriv", "--reuid", user, "--regid", group, "--clear-groups", "--"]
            : throw new ToolException("stat", exitCode, LastLines(errors));
    }

    private static async Task<(int ExitCode, string Output, string Errors)> RunAsync(
        string[] command, IReadOnlyDictionary<string, string>? environment, CancellationToken ct)
    {
        var info = new ProcessStartInfo(command[0])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        foreach (var argument in command.Skip(1))
        {
            info.ArgumentList.Add(argument);
        }

        // Messages are searched for what they say.
        info.Environment["LC_ALL"] = "C";
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            info.Environment[name] = value;
        }

        Process process;
        try
        {
            process = Process.Start(info)!;
        }
        catch (Win32Exception e)
        {
            throw new ToolException(command[0], exitCode: 127, e.Message);
        }

        using (process)
        {
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync(ct);
            var errors = process.StandardError.ReadToEndAsync(ct);
            try
            {
                await process.WaitForExitAsync(ct);
                return (process.ExitCode, await output, await errors);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                throw;
            }
        }
    }

    private static string LastLines(string text) =>
        string.Join(Environment.NewLine, text.Split('\n', StringSplitOptions.RemoveEmptyEntries).TakeLast(MaxLines));
}

/// <summary>A program that works on a server's files failed.</summary>
/// <param name="program">The program's name.</param>
/// <param name="exitCode">Its exit code; 127 where it is not there.</param>
/// <param name="output">The end of its output.</param>
public sealed class ToolException(string program, int exitCode, string output)
    : Exception(string.Create(CultureInfo.InvariantCulture, $"{program} failed with exit code {exitCode}: {output}"))
{
    /// <summary>Its exit code; 127 where it is not there.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>The end of its output.</summary>
    public string Output { get; } = output;
}
