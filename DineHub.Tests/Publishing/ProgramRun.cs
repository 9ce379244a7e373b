using System.Diagnostics;

namespace DineHub.Tests.Publishing;

/// <summary>A program that was run to its end.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">What it wrote to its standard output.</param>
/// <param name="Error">What it wrote to its standard error.</param>
internal sealed record ProgramRun(int ExitCode, string Output, string Error)
{
    /// <summary>Runs a program.</summary>
    /// <param name="program">Its name.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="input">What it reads.</param>
    /// <param name="folder">Where it runs.</param>
    /// <param name="environment">Variables that are set for it.</param>
    public static async Task<ProgramRun> OfAsync(
        string program, IEnumerable<string> arguments, string input = "", string? folder = null, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder ?? "" };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var (exitCode, output, errors) = await Programs.RunAsync(start, input);
        return new ProgramRun(exitCode, output, errors);
    }
}
