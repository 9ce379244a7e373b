using DineHub.AppHost.Prerequisites;
using DineHub.Tests.Processes;

namespace DineHub.Benchmarks;

/// <summary>Programs that are not of this solution.</summary>
internal static class Programs
{
    /// <summary>Where a program is. Debian puts servers where only root looks.</summary>
    /// <exception cref="PrerequisiteException">It is not installed.</exception>
    public static string Find(string name, string package) =>
        ProcessLauncher.FindProgram(name)
        ?? new[] { Path.Combine("/usr/sbin", name) }.FirstOrDefault(File.Exists)
        ?? throw new PrerequisiteException($"The benchmark needs {name}.", $"sudo apt-get install {package}");
}
