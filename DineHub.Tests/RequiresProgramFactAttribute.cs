namespace DineHub.Tests;

/// <summary>A fact about what a program says, which is skipped, with the reason, where the program is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RequiresProgramFactAttribute : FactAttribute
{
    /// <summary>Looks for the program on <c>PATH</c>.</summary>
    /// <param name="program">The file's name, such as <c>promtool</c>.</param>
    /// <param name="package">The Debian package that brings it.</param>
    public RequiresProgramFactAttribute(string program, string package)
    {
        Program = program;
        Package = package;
        if (!IsInstalled(program))
        {
            Skip = $"{program} is not installed: apt-get install {package}";
        }
    }

    public string Program { get; }

    public string Package { get; }

    private static bool IsInstalled(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Any(directory => File.Exists(Path.Combine(directory, program)));
}
