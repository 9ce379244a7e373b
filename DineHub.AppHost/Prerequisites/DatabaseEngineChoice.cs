using Microsoft.Extensions.Configuration;

namespace DineHub.AppHost.Prerequisites;

/// <summary>Chooses the kind of database servers that a run uses by what this machine has, and offers to install what is missing.</summary>
/// <param name="configuration">Aspire's settings, which may name a container runtime.</param>
/// <param name="machine">Where to look.</param>
/// <param name="terminal">Where to ask.</param>
internal sealed class DatabaseEngineChoice(IConfiguration configuration, LocalMachine machine, Terminal terminal)
{
    private const string CitusPackages = "https://docs.citusdata.com/, 'Installation'";

    /// <summary>Makes the choice. Container engines are asked, for up to 5 s, only if the installed programs do not settle it.</summary>
    /// <param name="preference">The engine that the user asks for.</param>
    /// <param name="yes">Install missing prerequisites without confirmation.</param>
    /// <param name="ct">Ends the search. A package manager that runs is not interrupted.</param>
    /// <exception cref="PrerequisiteException">What is needed is not there, and was not or could not be installed.</exception>
    public async Task<DatabaseEngine> MakeAsync(EnginePreference preference, bool yes, CancellationToken ct)
    {
        var installation = PostgresInstallation.Search(machine);
        if (Decide(preference, installation, containers: null) is { } processes)
        {
            return processes;
        }

        ContainerSearch? containers = null;
        if (preference != EnginePreference.Postgres)
        {
            containers = await ContainerRuntime.FindAsync(configuration, machine, ct);
            if (Decide(preference, installation, containers) is { } engine)
            {
                return engine;
            }
        }

        if (preference == EnginePreference.Citus)
        {
            throw CitusIsMissing(installation, containers!);
        }

        var setup = new PostgresSetup(machine, terminal);
        return Decide(preference, await setup.InstallAsync(installation, containers, yes, ct), containers: null)
            ?? throw new InvalidOperationException("PostgreSQL was installed for the stock engine, but no engine runs on it.");
    }

    /// <summary>The rules.</summary>
    /// <param name="preference">The engine that the user asks for.</param>
    /// <param name="installation">The PostgreSQL server of this machine; null where there is none.</param>
    /// <param name="containers">The result of the search for a container engine; null where it was not made.</param>
    /// <returns>The engine; null where nothing of this serves.</returns>
    public static DatabaseEngine? Decide(EnginePreference preference, PostgresInstallation? installation, ContainerSearch? containers)
    {
        if (installation is { IsSupported: true, HasCitus: true } && preference != EnginePreference.Postgres)
        {
            return new DatabaseEngine.Processes(installation, UsesCitus: true);
        }

        if (installation is { IsSupported: true, HasForeignDataWrapper: true } && preference != EnginePreference.Citus)
        {
            return new DatabaseEngine.Processes(installation, UsesCitus: false);
        }

        return containers?.Runtime is { } runtime && preference != EnginePreference.Postgres
            ? new DatabaseEngine.Containers(runtime)
            : null;
    }

    private static PrerequisiteException CitusIsMissing(PostgresInstallation? installation, ContainerSearch containers)
    {
        var server = installation switch
        {
            null => "PostgreSQL is not installed",
            { IsSupported: false } => $"PostgreSQL {installation.Version} in '{installation.BinDirectory}' is too old",
            _ => $"PostgreSQL {installation.Version} in '{installation.BinDirectory}' has no Citus extension",
        };
        return new PrerequisiteException(
            $"'--engine citus' needs Citus or a container engine, but {server}, and no container engine answers.",
            $"Install Citus for PostgreSQL {PostgresInstallation.OldestVersion} or later ({CitusPackages}). "
            + $"Or have a container engine:{Environment.NewLine}{containers.Explanation}{Environment.NewLine}"
            + "Without '--engine citus' DineHub runs on stock PostgreSQL.");
    }
}
