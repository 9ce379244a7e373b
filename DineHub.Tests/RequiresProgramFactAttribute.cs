using DineHub.AppHost.Local;

namespace DineHub.Tests;

/// <summary>A test that is skipped where a program is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RequiresProgramFactAttribute : FactAttribute
{
    public RequiresProgramFactAttribute(string program, string package)
    {
        Program = program;
        Package = package;
        if (ProcessLauncher.FindProgram(program) is null)
        {
            Skip = $"'{program}' is not installed: sudo apt-get install {package}";
        }
    }

    public string Program { get; }

    public string Package { get; }
}
