using System.Diagnostics;

namespace DineHub.AppHost.Prerequisites;

/// <summary>This machine, as far as the search for prerequisites depends on it.</summary>
/// <param name="SearchPath">The folders to look for programs in, in this order; also the PATH of programs that are run.</param>
/// <param name="Root">The root of the file system, <c>/</c>.</param>
/// <param name="IsPrivileged">Whether this process is root.</param>
/// <param name="IsMacOS">Whether this is macOS; Linux otherwise.</param>
/// <param name="PostgresDirectory">The value of DINEHUB_PG_BIN, the only folder to look for PostgreSQL in; null if it is not set.</param>
internal sealed record LocalMachine(
    IReadOnlyList<string> SearchPath, string Root, bool IsPrivileged, bool IsMacOS, string? PostgresDirectory)
{
    private const UnixFileMode Executable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>The machine that this process runs on, by its environment.</summary>
    public static LocalMachine Current => new(
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries),
        "/",
        Environment.IsPrivilegedProcess,
        OperatingSystem.IsMacOS(),
        Environment.GetEnvironmentVariable(PostgresInstallation.DirectoryVariable) is { Length: > 0 } directory ? directory : null);

    /// <summary>The full path of a program in the search path; null where there is none.</summary>
    public string? FindProgram(string name) =>
        SearchPath.Select(directory => Path.GetFullPath(Path.Combine(directory, name))).FirstOrDefault(IsExecutable);

    /// <summary>A path of the file system.</summary>
    /// <param name="path">The absolute path.</param>
    public string PathOf(string path) => Path.Combine(Root, path.TrimStart('/'));

    /// <summary>A command whose program, and the programs that it runs, are those of the search path.</summary>
    /// <exception cref="FileNotFoundException">The search path has no such program.</exception>
    public ProcessStartInfo Command(string program, IEnumerable<string> arguments)
    {
        var file = FindProgram(program) ?? throw new FileNotFoundException($"There is no '{program}' on PATH.", program);
        return new ProcessStartInfo(file, arguments) { Environment = { ["PATH"] = string.Join(Path.PathSeparator, SearchPath) } };
    }

    private static bool IsExecutable(string file) => File.Exists(file) && (File.GetUnixFileMode(file) & Executable) != 0;
}
