using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DineHub.AppHost.Prerequisites;

namespace DineHub.AppHost.Composition;

/// <summary>The folder that a local cluster keeps everything in. One run at a time holds it.</summary>
internal sealed class ClusterDirectory : IDisposable
{
    private const string Marker = ".dinehub";
    private const string OwnerFile = "pid";
    private const long MinFreeBytes = 500L * 1024 * 1024;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // PostgreSQL's user must traverse this folder to reach its own, but needs no right to list it.
    private const UnixFileMode Passable =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private readonly FileStream claim;

    private ClusterDirectory(string root, FileStream claim)
    {
        Root = root;
        this.claim = claim;
    }

    public string Root { get; }

    /// <summary>The folder's name for what is kept outside it: 8 hexadecimal digits.</summary>
    public string Hash => HashOf(Root);

    public string SecretsFile => Path.Combine(Root, "secrets.json");

    public string OperatorKeyFile => Path.Combine(Root, "operator-key");

    public string ImagesDirectory => Path.Combine(Root, "images");

    public string BackupsDirectory => Path.Combine(Root, "backups");

    /// <summary>Which role may sign in to which database, the same for all servers: their pg_hba.conf.</summary>
    public string AccessRulesFile => Path.Combine(Root, "pg_hba.conf");

    public string StateFile => Path.Combine(Root, "cluster.json");

    public string DatabaseEnvironmentFile => Path.Combine(Root, "db.env");

    public string MaintenanceFile => Path.Combine(Root, "maintenance");

    public string LogFile(string node) => Path.Combine(Root, "logs", node + ".log");

    public string NodeDirectory(string node) => Path.Combine(Root, "nodes", node);

    /// <summary>
    /// Where a checkout's cluster lives unless told otherwise: $XDG_DATA_HOME/dinehub, or /var/lib/dinehub for root, whose own home
    /// PostgreSQL's user may not pass through; one folder for each checkout.
    /// </summary>
    public static string Default()
    {
        var checkout = BuildMetadata.Get("DineHub.Root").TrimEnd('/');
        var data = Environment.IsPrivilegedProcess ? "/var/lib" : Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
        return Path.Combine(data, "dinehub", $"{Path.GetFileName(checkout)}-{HashOf(checkout)}");
    }

    /// <summary>A short name of a folder: 8 hexadecimal digits.</summary>
    /// <param name="path">The folder's full path.</param>
    public static string HashOf(string path) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(path)))[..8];

    /// <summary>Opens or makes a folder, and holds it for this run.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="fresh">Whether to empty it first.</param>
    /// <exception cref="PrerequisiteException">It is another's, in use, or on a full disk.</exception>
    public static ClusterDirectory Open(string path, bool fresh)
    {
        path = Path.GetFullPath(path);
        var marker = Path.Combine(path, Marker);
        if (Directory.Exists(path) && !File.Exists(marker) && Directory.EnumerateFileSystemEntries(path).Any())
        {
            throw new PrerequisiteException($"'{path}' contains files that are not DineHub's.", "Choose an empty folder: --data DIR.");
        }

        Directory.CreateDirectory(path);
        File.SetUnixFileMode(path, Passable);
        var claim = Claim(marker, path);
        if (fresh)
        {
            foreach (var directory in Directory.GetDirectories(path))
            {
                Directory.Delete(directory, recursive: true);
            }

            foreach (var file in Directory.GetFiles(path).Where(file => file != marker && Path.GetFileName(file) != OwnerFile))
            {
                File.Delete(file);
            }
        }

        File.SetUnixFileMode(Directory.CreateDirectory(Path.Combine(path, "nodes")).FullName, Passable);
        File.SetUnixFileMode(Directory.CreateDirectory(Path.Combine(path, "logs")).FullName, OwnerOnly | UnixFileMode.UserExecute);

        var free = new DriveInfo(path).AvailableFreeSpace;
        if (free < MinFreeBytes)
        {
            claim.Dispose();
            throw DiskFull(path, $"has {free / 1024 / 1024} MiB left");
        }

        return new ClusterDirectory(path, claim);
    }

    public static PrerequisiteException DiskFull(string path, string state) => new(
        $"The disk of '{path}' {state}; a cluster needs {MinFreeBytes / 1024 / 1024} MiB.",
        "Free some space ('df -h' shows it), or choose a folder on another disk: --data DIR.");

    public static void WriteForOwner(string path, string text)
    {
        using var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly });
        file.Write(Encoding.UTF8.GetBytes(text));
    }

    /// <summary>Removes the folder with all that is in it.</summary>
    public void Delete()
    {
        Dispose();
        Directory.Delete(Root, recursive: true);
    }

    /// <inheritdoc/>
    public void Dispose() => claim.Dispose();

    // The lock is the open file's (flock), so that it ends with the process; the number beside it is for the message.
    private static FileStream Claim(string marker, string path)
    {
        try
        {
            var claim = new FileStream(marker, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            File.WriteAllText(Path.Combine(path, OwnerFile), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
            return claim;
        }
        catch (IOException e)
        {
            throw new PrerequisiteException(
                $"Another run (process {ReadOwner(path)}) uses '{path}'.", "Stop it, or choose another folder: --data DIR.", e);
        }
    }

    private static string ReadOwner(string path) =>
        Path.Combine(path, OwnerFile) is var file && File.Exists(file) ? File.ReadAllText(file) : "unknown";
}
