using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace DineHub.AppHost.Local;

/// <summary>PostgreSQL's server programs on this machine.</summary>
/// <param name="BinDirectory">Where <c>postgres</c> and <c>initdb</c> are.</param>
/// <param name="HasCitus">Whether the Citus extension is installed beside it.</param>
/// <param name="HasForeignDataWrapper">Whether postgres_fdw is, which the stock engine needs.</param>
internal sealed partial record PostgresInstallation(string BinDirectory, bool HasCitus, bool HasForeignDataWrapper)
{
    public const string DirectoryVariable = "DINEHUB_PG_BIN";
    private const int OldestVersion = 14;
    private const string Remedy =
        "Install it: 'sudo apt-get install postgresql' (Debian, Ubuntu), 'sudo dnf install postgresql-server postgresql-contrib' (Fedora), "
        + "'brew install postgresql@17' (macOS); or set " + DirectoryVariable + " to the folder that holds 'postgres' and 'initdb'.";

    /// <summary>Looks in DINEHUB_PG_BIN, on PATH by pg_config, and in the usual folders, the newest version first.</summary>
    /// <exception cref="PrerequisiteException">There is no PostgreSQL server of version 14 or later.</exception>
    public static PostgresInstallation Find()
    {
        if (Environment.GetEnvironmentVariable(DirectoryVariable) is { Length: > 0 } given)
        {
            return Inspect(given) ?? throw new PrerequisiteException($"{DirectoryVariable} is '{given}', but there is no PostgreSQL {OldestVersion} or later.", Remedy);
        }

        return UsualDirectories().Select(Inspect).OfType<PostgresInstallation>().FirstOrDefault()
            ?? throw new PrerequisiteException($"No PostgreSQL server of version {OldestVersion} or later was found.", Remedy);
    }

    public string Program(string name) => Path.Combine(BinDirectory, name);

    private static IEnumerable<string> UsualDirectories()
    {
        if (ProcessLauncher.FindProgram("pg_config") is { } config && Output(config, "--bindir") is { } directory)
        {
            yield return directory;
        }

        foreach (var pattern in new[] { ("/usr/lib/postgresql", "*"), ("/usr", "pgsql-*"), ("/opt/homebrew/opt", "postgresql*"), ("/usr/local/opt", "postgresql*") })
        {
            if (Directory.Exists(pattern.Item1))
            {
                foreach (var version in Directory.GetDirectories(pattern.Item1, pattern.Item2).OrderByDescending(VersionOf))
                {
                    yield return Path.Combine(version, "bin");
                }
            }
        }

        if (ProcessLauncher.FindProgram("postgres") is { } server)
        {
            yield return Path.GetDirectoryName(Path.GetFullPath(server))!;
        }
    }

    private static int VersionOf(string text) =>
        VersionPattern().Match(Path.GetFileName(text)) is { Success: true, Value: var number } ? int.Parse(number, CultureInfo.InvariantCulture) : 0;

    private static PostgresInstallation? Inspect(string directory)
    {
        var server = Path.Combine(directory, "postgres");
        if (!File.Exists(server) || !File.Exists(Path.Combine(directory, "initdb")))
        {
            return null;
        }

        // "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
        var version = VersionPattern().Match(Output(server, "--version") ?? "") is { Success: true, Value: var number }
            ? int.Parse(number, CultureInfo.InvariantCulture)
            : 0;
        if (version < OldestVersion)
        {
            return null;
        }

        var extensions = ExtensionDirectory(directory, version);
        return new PostgresInstallation(
            directory, File.Exists(Path.Combine(extensions, "citus.control")), File.Exists(Path.Combine(extensions, "postgres_fdw.control")));
    }

    private static string? Output(string program, string argument)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, argument) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = process.StandardOutput.ReadToEnd().Trim();
            process.WaitForExit();
            return process.ExitCode == 0 && output.Length > 0 ? output : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    // pg_config belongs to a development package on some systems: without it, where Debian keeps the extensions.
    private static string ExtensionDirectory(string directory, int version)
    {
        var config = Path.Combine(directory, "pg_config");
        var share = File.Exists(config) ? Output(config, "--sharedir") : null;
        share ??= string.Create(CultureInfo.InvariantCulture, $"/usr/share/postgresql/{version}");
        return Path.Combine(share, "extension");
    }

    [GeneratedRegex(@"\d+")]
    private static partial Regex VersionPattern();
}
