using System.ComponentModel;
using System.Diagnostics;

namespace DineHub.AppHost.Prerequisites;

/// <summary>Installs PostgreSQL, or its contrib modules, by this machine's package manager, if the user agrees.</summary>
/// <param name="machine">Where to look, and to install.</param>
/// <param name="terminal">Where to ask.</param>
internal sealed class PostgresSetup(LocalMachine machine, Terminal terminal)
{
    private const string Downloads = "https://www.postgresql.org/download/";

    /// <summary>Installs what is missing, and looks again.</summary>
    /// <param name="present">The server that is there but does not serve; null where there is none.</param>
    /// <param name="containers">The result of the search for a container engine, another way out; null where it was not made.</param>
    /// <param name="yes">Do not ask.</param>
    /// <param name="ct">Ends the wait. A running package manager is not interrupted; it has the terminal, and no deadline.</param>
    /// <returns>A server that the stock engine runs on.</returns>
    /// <exception cref="PrerequisiteException">It cannot be installed, is not to be, or the package manager failed.</exception>
    public async Task<PostgresInstallation> InstallAsync(
        PostgresInstallation? present, ContainerSearch? containers, bool yes, CancellationToken ct)
    {
        var problem = Problem(present)!;
        if (machine.PostgresDirectory is not null)
        {
            throw new PrerequisiteException(
                problem, $"{PostgresInstallation.DirectoryVariable} is set to that folder: set it to another server's, or unset it.");
        }

        var hint = containers?.Refusals.FirstOrDefault(refusal => refusal.IsInstalled) is { } idle
            ? $"{Environment.NewLine}To run Citus in containers instead: {idle.Reason} {idle.Remedy}"
            : "";
        var manager = PackageManager.Find(machine) ?? throw new PrerequisiteException(
            problem,
            $"Install it from {Downloads}{(machine.IsMacOS ? ", or get Homebrew from https://brew.sh and start again" : "")}; "
            + $"or set {PostgresInstallation.DirectoryVariable} to the folder that holds 'postgres' and 'initdb'.{hint}");
        var commands = manager.Commands(present is { IsSupported: true } ? manager.Contrib : manager.Server, machine.IsPrivileged);
        var text = PackageManager.Text(commands);
        if (manager.Obstacle(machine) is { } obstacle)
        {
            var byHand = commands.Select(command => command[0] == "sudo" ? command.Skip(1) : command);
            throw new PrerequisiteException(problem, $"Install it: '{PackageManager.Text(byHand)}'; {obstacle}.{hint}");
        }

        var remedy = $"Install it: '{text}', or start again with '--yes', which does so.{hint}";
        if (yes)
        {
            await terminal.Output.WriteLineAsync($"{problem} Installing it: {text}");
        }
        else if (!terminal.IsInteractive)
        {
            throw new PrerequisiteException(problem, remedy);
        }
        else
        {
            if (hint.Length > 0)
            {
                await terminal.Output.WriteLineAsync(hint.Trim());
            }

            if (!await terminal.ConfirmAsync($"{problem} Install it with `{text}`?", ct))
            {
                throw new PrerequisiteException(problem, remedy);
            }
        }

        await terminal.Output.FlushAsync(ct);
        foreach (var command in commands)
        {
            await RunAsync(command, text, yes, ct);
        }

        var found = PostgresInstallation.Search(machine);
        return Problem(found) is { } still
            ? throw new PrerequisiteException(
                $"'{text}' succeeded, but still: {still}",
                $"Install PostgreSQL {PostgresInstallation.OldestVersion} or later with its contrib modules from {Downloads}, "
                + $"and set {PostgresInstallation.DirectoryVariable} to the folder that holds 'postgres' and 'initdb'.")
            : found!;
    }

    // In one sentence that 'it' in the next one refers to; null where the stock engine runs on this server.
    private static string? Problem(PostgresInstallation? installation) => installation switch
    {
        null => "PostgreSQL is not installed.",
        { IsSupported: false } =>
            $"PostgreSQL {installation.Version} in '{installation.BinDirectory}' is too old: "
            + $"DineHub needs {PostgresInstallation.OldestVersion} or later.",
        { HasForeignDataWrapper: false } =>
            $"PostgreSQL {installation.Version} in '{installation.BinDirectory}' lacks postgres_fdw, one of its contrib modules.",
        _ => null,
    };

    private async Task RunAsync(IReadOnlyList<string> command, string text, bool yes, CancellationToken ct)
    {
        var start = machine.Command(command[0], command.Skip(1));
        if (yes)
        {
            // Packages ask as well, the time zone for one; debconf(7).
            start.Environment["DEBIAN_FRONTEND"] = "noninteractive";
        }

        try
        {
            // Nothing is redirected: sudo asks for its password, and the package manager shows its progress.
            using var process = Process.Start(start)!;
            await process.WaitForExitAsync(ct);
            if (process.ExitCode != 0)
            {
                throw new PrerequisiteException(
                    $"'{string.Join(' ', command)}' failed with exit code {process.ExitCode}.",
                    $"See its messages above, run it by hand: '{text}', and start again.");
            }
        }
        catch (Win32Exception e)
        {
            throw new PrerequisiteException(
                $"'{string.Join(' ', command)}' could not be started: {e.Message}.", $"Run it by hand: '{text}', and start again.", e);
        }
    }
}
