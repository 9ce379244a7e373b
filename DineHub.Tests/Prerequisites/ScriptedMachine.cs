using System.Globalization;
using DineHub.AppHost.Prerequisites;
using DineHub.Tests.Contract;

namespace DineHub.Tests.Prerequisites;

/// <summary>A machine in a folder: nothing is installed on it but scripted programs. They refuse what the real ones refuse.</summary>
internal sealed class ScriptedMachine : IDisposable
{
    private static readonly string ScriptedProgram = ContractDocument.FileOf("DineHub.Tests", "Prerequisites", "scripted-program.sh");

    private readonly TemporaryDirectory directory = new();

    public ScriptedMachine()
    {
        foreach (var folder in new[] { Bin, Path.Combine(directory.Path, "etc") })
        {
            Directory.CreateDirectory(folder);
        }

        File.WriteAllText(
            Path.Combine(directory.Path, "etc", "passwd"),
            "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533:nobody:/nonexistent:/bin/false\n");
    }

    public string Root => directory.Path;

    /// <summary>The commands that the scripted programs were called by.</summary>
    public string[] Calls => File.Exists(Log) ? File.ReadAllLines(Log) : [];

    private string Bin => Path.Combine(directory.Path, "usr", "bin");

    private string Log => Path.Combine(directory.Path, "calls");

    /// <summary>The machine as an ordinary user's Linux.</summary>
    public LocalMachine Machine => new([Bin], directory.Path, IsPrivileged: false, IsMacOS: false, PostgresDirectory: null);

    /// <summary>Puts a program on the search path.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="script">Its script, for sh. The search path has no other programs: it calls them by their full paths.</param>
    public ScriptedMachine With(string name, string script)
    {
        File.CreateSymbolicLink(Path.Combine(Bin, name), ScriptedProgram);
        File.WriteAllText(Path.Combine(Bin, name + ".script"), $"echo \"{name} $*\" >> '{Log}'\n{script}\n");
        return this;
    }

    /// <summary>Adds PostgreSQL as Debian's packages lay it out.</summary>
    public ScriptedMachine WithPostgres(int version, params string[] extensions)
    {
        var text = version.ToString(CultureInfo.InvariantCulture);
        var bin = Directory.CreateDirectory(Path.Combine(directory.Path, "usr", "lib", "postgresql", text, "bin")).FullName;
        var share = Directory.CreateDirectory(Path.Combine(directory.Path, "usr", "share", "postgresql", text, "extension")).FullName;
        File.CreateSymbolicLink(Path.Combine(bin, "postgres"), ScriptedProgram);
        File.CreateSymbolicLink(Path.Combine(bin, "initdb"), ScriptedProgram);
        File.WriteAllText(Path.Combine(bin, "postgres.script"), $"echo 'postgres (PostgreSQL) {text}.4'\n");
        foreach (var extension in extensions)
        {
            File.WriteAllText(Path.Combine(share, extension + ".control"), "");
        }

        return this;
    }

    /// <summary>sudo, which the user may use.</summary>
    public ScriptedMachine WithSudo() => With("sudo", """
        [ $# -gt 0 ] || { echo 'usage: sudo command' >&2; exit 1; }
        SUDO_USER=alex
        export SUDO_USER
        exec "$@"
        """);

    /// <summary>apt-get of a fresh container: it has no package lists.</summary>
    /// <param name="version">The version of PostgreSQL that it has.</param>
    /// <param name="isRoot">Whether the user is root.</param>
    public ScriptedMachine WithAptGet(int version = 15, bool isRoot = false) => With("apt-get", $$"""
        if [ -z "$SUDO_USER" ] && [ {{isRoot}} = False ]; then
            echo 'E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)' >&2
            exit 100
        fi
        case "$*" in
            update) : > '{{Root}}/lists' ;;
            'install -y postgresql' | 'install -y postgresql-contrib')
                [ -f '{{Root}}/lists' ] || { echo "E: Unable to locate package $3" >&2; exit 100; }
                {{Install($"/usr/lib/postgresql/{version}/bin", $"/usr/share/postgresql/{version}/extension", version)}} ;;
            'install postgresql'*) echo 'Do you want to continue? [Y/n] Abort.'; exit 1 ;;
            *) echo "E: Unable to locate package $3" >&2; exit 100 ;;
        esac
        """);

    /// <summary>dnf. Fedora keeps PostgreSQL's programs in /usr/bin, and the contrib modules in a package of their own.</summary>
    public ScriptedMachine WithDnf() => With("dnf", $$"""
        [ -n "$SUDO_USER" ] || { echo 'Error: This command has to be run with superuser privileges.' >&2; exit 1; }
        [ "$*" = 'install -y postgresql-server postgresql-contrib' ] || { echo "Error: Unable to find a match: $3" >&2; exit 1; }
        {{Install("/usr/bin", "/usr/share/pgsql/extension", 16)}}
        """);

    /// <summary>Homebrew of a Mac with Apple silicon.</summary>
    /// <param name="isRoot">Whether the user is root.</param>
    public ScriptedMachine WithBrew(bool isRoot = false) => With("brew", $$"""
        if [ -n "$SUDO_USER" ] || [ {{isRoot}} = True ]; then
            echo 'Error: Running Homebrew as root is extremely dangerous and no longer supported.' >&2
            exit 1
        fi
        [ "$*" = 'install postgresql@17' ] || { echo "Error: No available formula with the name \"$2\"" >&2; exit 1; }
        {{Install("/opt/homebrew/opt/postgresql@17/bin", "/opt/homebrew/opt/postgresql@17/share/postgresql/extension", 17)}}
        """);

    public void Dispose() => directory.Dispose();

    private string Install(string bin, string extensions, int version) =>
        $"""
        /bin/mkdir -p '{Root}{bin}' '{Root}{extensions}'
        : > '{Root}{extensions}/postgres_fdw.control'
        echo 'echo "postgres (PostgreSQL) {version}.4"' > '{Root}{bin}/postgres.script'
        /bin/ln -sf '{ScriptedProgram}' '{Root}{bin}/postgres'
        /bin/ln -sf '{ScriptedProgram}' '{Root}{bin}/initdb'
        """;
}
