using DineHub.AppHost.Prerequisites;

namespace DineHub.AppHost.Databases;

/// <summary>The servers whose data a cluster's folder has.</summary>
internal enum KeptServers
{
    /// <summary>None: the folder is new, or of another program.</summary>
    None,

    /// <summary>Processes of stock PostgreSQL.</summary>
    StockProcesses,

    /// <summary>Processes of PostgreSQL with Citus.</summary>
    CitusProcesses,

    /// <summary>Containers, whose data is in volumes.</summary>
    Containers,
}

/// <summary>Refuses to start other servers over a folder's data: they would begin empty beside it, or fail half-way.</summary>
internal static class KeptServersRules
{
    /// <summary>Looks at a cluster's folder.</summary>
    /// <param name="root">The folder, existing or not.</param>
    public static KeptServers Find(string root)
    {
        var nodes = Path.Combine(root, "nodes");
        if (!Directory.Exists(nodes))
        {
            return KeptServers.None;
        }

        foreach (var home in Directory.EnumerateDirectories(nodes).Order(StringComparer.Ordinal))
        {
            // A copy that was interrupted may have one file and not yet the other: the next server tells.
            var data = Path.Combine(home, "pgdata");
            var configuration = Path.Combine(data, "postgresql.conf");
            if (File.Exists(Path.Combine(data, "PG_VERSION")) && File.Exists(configuration))
            {
                // As "db join --initialize" writes it: see ServerSettings, shared_preload_libraries.
                return File.ReadLines(configuration).Any(line => line.StartsWith("shared_preload_libraries = 'citus", StringComparison.Ordinal))
                    ? KeptServers.CitusProcesses
                    : KeptServers.StockProcesses;
            }

            if (File.Exists(Path.Combine(home, ContainerServers.WasReadyName)))
            {
                return KeptServers.Containers;
            }
        }

        return KeptServers.None;
    }

    /// <summary>The preference where the user has none: stock data stays on the stock engine, also where Citus has been installed since.</summary>
    /// <param name="preference">The engine that the user asks for.</param>
    /// <param name="kept">The servers that keep the data.</param>
    /// <param name="root">The folder.</param>
    /// <exception cref="PrerequisiteException">The user asks for another engine than the one that keeps the data.</exception>
    public static EnginePreference Narrow(EnginePreference preference, KeptServers kept, string root) => (preference, kept) switch
    {
        (EnginePreference.Citus, KeptServers.StockProcesses) => throw Other(root, kept, "Citus"),
        (EnginePreference.Postgres, KeptServers.CitusProcesses or KeptServers.Containers) => throw Other(root, kept, "stock PostgreSQL"),
        (EnginePreference.Auto, KeptServers.StockProcesses) => EnginePreference.Postgres,
        _ => preference,
    };

    /// <summary>Refuses servers of another kind than those that keep the data.</summary>
    /// <param name="chosen">The servers that this run would use.</param>
    /// <param name="kept">The servers that keep the data.</param>
    /// <param name="root">The folder.</param>
    /// <exception cref="PrerequisiteException">They are of another kind.</exception>
    public static void RefuseOther(DatabaseEngine chosen, KeptServers kept, string root)
    {
        var (kind, name) = chosen switch
        {
            DatabaseEngine.Processes { UsesCitus: true } processes => (KeptServers.CitusProcesses, $"Citus of '{processes.Installation.BinDirectory}'"),
            DatabaseEngine.Processes processes => (KeptServers.StockProcesses, $"stock PostgreSQL of '{processes.Installation.BinDirectory}'"),
            _ => (KeptServers.Containers, "Citus in containers"),
        };
        if (kept != KeptServers.None && kept != kind)
        {
            throw Other(root, kept, name);
        }
    }

    private static PrerequisiteException Other(string root, KeptServers kept, string wanted)
    {
        var (keeper, goOn) = kept switch
        {
            KeptServers.StockProcesses => ("stock PostgreSQL", "start with '--engine postgres'"),
            KeptServers.CitusProcesses => ("Citus", "start with '--engine citus' where the PostgreSQL of this machine has Citus (DINEHUB_PG_BIN may name its programs)"),
            _ => ("Citus in containers", "start with '--engine citus' where a container engine answers and the PostgreSQL of this machine has no Citus"),
        };
        return new PrerequisiteException(
            $"The data in '{root}' is kept by {keeper}, but this run would use {wanted}.",
            $"To go on with the data, {goOn}. To leave it as it is, choose another folder: --data DIR. To remove it: --fresh.");
    }
}
