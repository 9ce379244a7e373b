using DineHub.Database.Engines;
using DineHub.Database.Tools;

namespace DineHub.Database.Servers;

/// <summary>
/// Makes the data of a new server by <c>initdb</c>: beside its place and then moved there, so that a data folder is whole or absent. Where this process
/// is root, the data belongs to the user who owns the folder around it.
/// </summary>
/// <param name="files">The server's files.</param>
/// <param name="password">The password of the superuser <c>postgres</c>. Secret.</param>
/// <param name="settings">Lines for postgresql.conf.</param>
public sealed class ServerInitialization(ServerFiles files, string password, IReadOnlyList<ServerSetting> settings)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(10);

    /// <summary>Makes the data. What an earlier attempt left beside the data folder is replaced.</summary>
    /// <param name="ct">Cancels the work.</param>
    /// <exception cref="ToolException">initdb failed; the message has the end of its output.</exception>
    /// <exception cref="DataDirectoryException">The disk is full, or the server's user cannot reach the data folder.</exception>
    /// <exception cref="DatabaseSetupException">The data folder holds other files, or initdb did not end within 10 minutes.</exception>
    public async Task RunAsync(CancellationToken ct)
    {
        try
        {
            await MakeAsync(ct);
        }
        catch (Exception e) when (DataDirectoryException.From(e, files.DataDirectory) is { } known)
        {
            throw known;
        }
    }

    private async Task MakeAsync(CancellationToken ct)
    {
        if (Directory.Exists(ServerUpgrade.FolderBeside(files)))
        {
            throw new DatabaseSetupException($"'{ServerUpgrade.FolderBeside(files)}' is of an upgrade that was interrupted: run 'db upgrade-server' again.");
        }

        if (Directory.Exists(files.DataDirectory) && Directory.EnumerateFileSystemEntries(files.DataDirectory).Any())
        {
            throw new DatabaseSetupException(
                $"'{files.DataDirectory}' is neither empty nor the data of a PostgreSQL server: move it away, or choose another folder with --data.");
        }

        if (!Directory.Exists(files.Parent))
        {
            Directory.CreateDirectory(files.Parent, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        var made = files.DataDirectory + ".new";
        ServerFiles.Remove(made);
        await InitializeAsync(made, ct);

        // What pg_rewind needs, too, when it lets a crashed server recover without the settings of its command line.
        await File.AppendAllLinesAsync(Path.Combine(made, "postgresql.conf"), ["", .. settings.Select(setting => setting.ToString())], ct);
        ServerFiles.Remove(files.DataDirectory);
        Directory.Move(made, files.DataDirectory);
    }

    private async Task InitializeAsync(string directory, CancellationToken ct)
    {
        var tool = new ServerTool(files.Parent);
        var passwordFile = files.DataDirectory + ".password";
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(Deadline);
        try
        {
            // One that is there already would keep its mode.
            File.Delete(passwordFile);
            await tool.WriteAsync(passwordFile, password, ct);
            await tool.RunAsync(
                files.Program("initdb"),
                ["-D", directory, "--username=postgres", "--auth=scram-sha-256", $"--pwfile={passwordFile}", "--data-checksums", "--encoding=UTF8", "--locale=C", "--no-sync"],
                deadline.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new DatabaseSetupException($"initdb did not end within {Deadline.TotalMinutes} minutes in '{directory}': look at that disk, then start the server again.");
        }
        finally
        {
            File.Delete(passwordFile);
        }
    }
}
