namespace DineHub.AppHost.Prerequisites;

/// <summary>A package manager that has PostgreSQL.</summary>
/// <param name="Program">The program.</param>
/// <param name="RunsAsRoot">Whether it needs root; Homebrew refuses to run as root.</param>
/// <param name="Preparation">The arguments of the command that has to be run first; null where there is none.</param>
/// <param name="Install">The arguments that come before the packages.</param>
/// <param name="Server">The packages of PostgreSQL's server and its contrib modules.</param>
/// <param name="Contrib">The packages of the contrib modules alone, of which postgres_fdw is one.</param>
internal sealed record PackageManager(
    string Program,
    bool RunsAsRoot,
    IReadOnlyList<string>? Preparation,
    IReadOnlyList<string> Install,
    IReadOnlyList<string> Server,
    IReadOnlyList<string> Contrib)
{
    private const string Sudo = "sudo";

    // A fresh container has no package lists, and apt-get locates nothing. The server packages of Debian, Arch and Homebrew include the
    // contrib modules.
    private static readonly PackageManager[] Known =
    [
        new("apt-get", RunsAsRoot: true, ["update"], ["install", "-y"], ["postgresql"], ["postgresql-contrib"]),
        new("dnf", RunsAsRoot: true, null, ["install", "-y"], ["postgresql-server", "postgresql-contrib"], ["postgresql-contrib"]),
        new("zypper", RunsAsRoot: true, null, ["install", "-y"], ["postgresql-server", "postgresql-contrib"], ["postgresql-contrib"]),
        new("pacman", RunsAsRoot: true, null, ["-S", "--needed", "--noconfirm"], ["postgresql"], ["postgresql"]),
        new("brew", RunsAsRoot: false, null, ["install"], ["postgresql@17"], ["postgresql@17"]),
    ];

    /// <summary>This machine's; null where none of the known ones is on PATH.</summary>
    public static PackageManager? Find(LocalMachine machine) =>
        Known.FirstOrDefault(manager => machine.FindProgram(manager.Program) is not null);

    /// <summary>Commands as a line for the shell.</summary>
    public static string Text(IEnumerable<IEnumerable<string>> commands) =>
        string.Join(" && ", commands.Select(command => string.Join(' ', command)));

    /// <summary>The commands that install packages, in their order; each a program and its arguments.</summary>
    /// <param name="packages"><see cref="Server"/> or <see cref="Contrib"/>.</param>
    /// <param name="isPrivileged">Whether this process is root, and needs no sudo.</param>
    public IReadOnlyList<IReadOnlyList<string>> Commands(IReadOnlyList<string> packages, bool isPrivileged)
    {
        string[] prefix = RunsAsRoot && !isPrivileged ? [Sudo, Program] : [Program];
        string[] install = [.. prefix, .. Install, .. packages];
        return Preparation is null ? [install] : [[.. prefix, .. Preparation], install];
    }

    /// <summary>The reason why these commands cannot be run by this process, with the remedy; null where they can.</summary>
    public string? Obstacle(LocalMachine machine) => (RunsAsRoot, machine.IsPrivileged) switch
    {
        (true, false) when machine.FindProgram(Sudo) is null => "there is no 'sudo' on this machine: run it as root",
        (false, true) => $"'{Program}' refuses to run as root: run it, and DineHub, as an ordinary user",
        _ => null,
    };
}
