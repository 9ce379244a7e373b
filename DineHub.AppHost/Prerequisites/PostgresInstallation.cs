using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace DineHub.AppHost.Prerequisites;

/// <summary>PostgreSQL's server programs on this machine.</summary>
/// <param name="BinDirectory">The folder of <c>postgres</c> and <c>initdb</c>.</param>
/// <param name="Version">The major version.</param>
/// <param name="HasCitus">Whether the Citus extension is installed beside it.</param>
/// <param name="HasForeignDataWrapper">Whether postgres_fdw is, which the stock engine needs.</param>
internal sealed partial record PostgresInstallation(string BinDirectory, int Version, bool HasCitus, bool HasForeignDataWrapper)
{
    public const string DirectoryVariable = "DINEHUB_PG_BIN";

    /// <summary>The oldest major version that DineHub runs on.</summary>
    public const int OldestVersion = 14;

    private const string Remedy =
        "Install it: 'sudo apt-get install postgresql' (Debian, Ubuntu), 'sudo dnf install postgresql-server postgresql-contrib' (Fedora), "
        + "'brew install postgresql@17' (macOS); or set " + DirectoryVariable + " to the folder that holds 'postgres' and 'initdb'.";

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    // Debian; PostgreSQL's own packages for Fedora and its kin; openSUSE; Homebrew on Apple silicon, on Intel, on Linux.
    private static readonly (string Folder, string Pattern)[] UsualFolders =
    [
        ("/usr/lib/postgresql", "*"),
        ("/usr", "pgsql-*"),
        ("/usr/lib", "postgresql*"),
        ("/opt/homebrew/opt", "postgresql*"),
        ("/usr/local/opt", "postgresql*"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql*"),
    ];

    /// <summary>Whether DineHub runs on this version.</summary>
    public bool IsSupported => Version >= OldestVersion;

    /// <summary>The server that <see cref="Search"/> finds, if its version is supported.</summary>
    /// <exception cref="PrerequisiteException">There is no PostgreSQL server of version 14 or later.</exception>
    public static PostgresInstallation Find() => Search(LocalMachine.Current) is { IsSupported: true } found
        ? found
        : throw new PrerequisiteException($"No PostgreSQL server of version {OldestVersion} or later was found.", Remedy);

    /// <summary>
    /// Looks in DINEHUB_PG_BIN alone if that is set; else by pg_config, in the usual folders, the newest version first, and on PATH. The
    /// first server that DineHub can run on is taken; else the first of a supported version; else the first.
    /// </summary>
    /// <param name="machine">Where to look.</param>
    /// <returns>The server, also where its version is too old or its extensions are missing; null where there is none.</returns>
    /// <exception cref="PrerequisiteException">DINEHUB_PG_BIN is set, but names no server of version 14 or later.</exception>
    public static PostgresInstallation? Search(LocalMachine machine)
    {
        if (machine.PostgresDirectory is { } given)
        {
            return Inspect(given, machine) is { IsSupported: true } configured
                ? configured
                : throw new PrerequisiteException(
                    $"{DirectoryVariable} is '{given}', but there is no PostgreSQL {OldestVersion} or later.", Remedy);
        }

        PostgresInstallation? best = null;
        foreach (var found in Directories(machine).Select(directory => Inspect(directory, machine)).OfType<PostgresInstallation>())
        {
            if (found is { IsSupported: true, HasCitus: true } or { IsSupported: true, HasForeignDataWrapper: true })
            {
                return found;
            }

            best = best is null || (found.IsSupported && !best.IsSupported) ? found : best;
        }

        return best;
    }

    public string Program(string name) => Path.Combine(BinDirectory, name);

    private static IEnumerable<string> Directories(LocalMachine machine)
    {
        if (machine.FindProgram("pg_config") is { } config && Output(config, "--bindir") is { } directory)
        {
            yield return directory;
        }

        foreach (var (folder, pattern) in UsualFolders)
        {
            if (machine.PathOf(folder) is var path && Directory.Exists(path))
            {
                foreach (var version in Directory.GetDirectories(path, pattern).OrderByDescending(VersionOf))
                {
                    yield return Path.Combine(version, "bin");
                }
            }
        }

        if (machine.FindProgram("postgres") is { } server)
        {
            yield return Path.GetDirectoryName(server)!;
        }
    }

    private static int VersionOf(string path) => NumberIn(Path.GetFileName(path));

    private static int NumberIn(string? text) =>
        VersionPattern().Match(text ?? "") is { Success: true, Value: var number } ? int.Parse(number, CultureInfo.InvariantCulture) : 0;

    private static PostgresInstallation? Inspect(string directory, LocalMachine machine)
    {
        var server = Path.Combine(directory, "postgres");
        if (!File.Exists(server) || !File.Exists(Path.Combine(directory, "initdb")))
        {
            return null;
        }

        // "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
        var version = NumberIn(Output(server, "--version"));
        if (version == 0)
        {
            return null;
        }

        var extensions = ExtensionDirectory(directory, version, machine);
        bool Has(string extension) => File.Exists(Path.Combine(extensions, extension + ".control"));
        return new PostgresInstallation(directory, version, Has("citus"), Has("postgres_fdw"));
    }

    private static string? Output(string program, string argument)
    {
        var answer = Probe.RunAsync(new ProcessStartInfo(program, [argument]), Deadline, CancellationToken.None).GetAwaiter().GetResult();
        return answer is { Succeeded: true, Output.Length: > 0 } ? answer.Output : null;
    }

    // pg_config is in a development package on some systems. Without it: beside the server, then as Debian, openSUSE and Fedora have it.
    private static string ExtensionDirectory(string directory, int version, LocalMachine machine)
    {
        var config = Path.Combine(directory, "pg_config");
        var share = File.Exists(config) ? Output(config, "--sharedir") : null;
        string[] usual =
        [
            Path.Combine(directory, "..", "share", "postgresql"),
            Path.Combine(directory, "..", "share"),
            machine.PathOf(string.Create(CultureInfo.InvariantCulture, $"/usr/share/postgresql/{version}")),
            machine.PathOf(string.Create(CultureInfo.InvariantCulture, $"/usr/share/postgresql{version}")),
            machine.PathOf("/usr/share/pgsql"),
        ];
        var folders = share is null ? usual : [share];
        return folders.Select(folder => Path.Combine(folder, "extension")).FirstOrDefault(Directory.Exists) ?? folders[0];
    }

    [GeneratedRegex(@"\d+")]
    private static partial Regex VersionPattern();
}
