using System.Diagnostics;
using DineHub.AppHost.Prerequisites;

namespace DineHub.AppHost.Publishing.Secrets;

/// <summary>A program that handles secrets: they go in and out by pipes, and never stand in an argument or on a disk.</summary>
/// <param name="program">The program's name.</param>
/// <param name="package">The package that contains the program, for the message about its absence.</param>
internal sealed class SecretTool(string program, string package)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    public static SecretTool Sops { get; } = new("sops", "https://github.com/getsops/sops/releases, or 'nix develop ./nix'");

    public static SecretTool Age { get; } = new("age", "sudo apt-get install age");

    public static SecretTool AgeKeygen { get; } = new("age-keygen", "sudo apt-get install age");

    public static SecretTool WireGuard { get; } = new("wg", "sudo apt-get install wireguard-tools");

    /// <summary>Makes sure that all are there.</summary>
    /// <exception cref="PrerequisiteException">Some are not; it names all of them, and how to get them.</exception>
    public static void Require(params SecretTool[] tools)
    {
        var missing = tools.Where(tool => !tool.IsInstalled).ToList();
        if (missing.Count > 0)
        {
            throw new PrerequisiteException(
                $"{string.Join(", ", missing.Select(tool => tool.Name))}: not installed.",
                string.Join(Environment.NewLine, missing.Select(tool => tool.Install).Distinct()));
        }
    }

    private string Name => program;

    private string Install => package;

    private bool IsInstalled => LocalMachine.Current.FindProgram(program) is not null;

    /// <summary>Runs it.</summary>
    /// <param name="folder">Where it runs.</param>
    /// <param name="arguments">Its arguments; nothing secret.</param>
    /// <param name="input">What it reads.</param>
    /// <param name="ct">Ends it.</param>
    /// <returns>What it writes to its standard output.</returns>
    /// <exception cref="SecretException">It fails, or does not end within a minute; the message has what it says.</exception>
    public async Task<string> RunAsync(string folder, IEnumerable<string> arguments, string input, CancellationToken ct)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(Deadline);
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var error = process.StandardError.ReadToEndAsync(deadline.Token);
            try
            {
                await process.StandardInput.WriteAsync(input.AsMemory(), deadline.Token);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It has ended without reading: its exit code tells.
            }

            await process.WaitForExitAsync(deadline.Token);
            return process.ExitCode == 0 ? await output : throw new SecretException($"{program} failed: {(await error).Trim()}");
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            ct.ThrowIfCancellationRequested();
            throw new SecretException($"{program} did not end within {Deadline.TotalSeconds} s.");
        }
    }
}

/// <summary>Secrets could not be read or written.</summary>
/// <param name="message">Why.</param>
internal sealed class SecretException(string message) : Exception(message);
