using System.Globalization;
using System.Net.Sockets;
using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using Npgsql;

namespace DineHub.Database.Nodes;

/// <summary>What servers must have in common, and what Citus needs of each, before they become one cluster.</summary>
public static class NodeRequirements
{
    private const string Citus = "citus";
    internal const int VersionsPerMajor = 10000;

    private static readonly TimeSpan StandbyDeadline = TimeSpan.FromSeconds(5);

    /// <summary>How far two nodes' clocks may differ: orders expire and are listed by time.</summary>
    public static TimeSpan MaxClockDifference { get; } = TimeSpan.FromSeconds(5);

    /// <summary>Asks all servers, and refuses those that do not fit. Standbys that do not answer are passed over.</summary>
    /// <param name="options">The cluster, with the addresses of those that are the primaries now.</param>
    /// <param name="administrator">Opens the superuser's connections.</param>
    /// <param name="ct">Cancels it.</param>
    /// <returns>How far a rolling upgrade of the servers has come.</returns>
    /// <exception cref="DatabaseSetupException">Something does not fit; the message lists everything.</exception>
    /// <exception cref="NpgsqlException">A primary does not answer.</exception>
    internal static async Task<RollingUpgrade> CheckAsync(DatabaseOptions options, NodeConnections administrator, CancellationToken ct)
    {
        var primaries = options.Workers.Prepend(options.Coordinator).ToList();
        var standbys = (options.Followers ?? options.Standbys.Select(standby => standby.Node)).Where(node => !primaries.Exists(primary => primary.Host == node.Host && primary.Port == node.Port)).ToList();
        var ofStandbys = Task.WhenAll(standbys.Select(node => AskStandbyAsync(administrator, node, ct)));
        var facts = new List<NodeFacts>();
        EngineChoice? kept = null;
        foreach (var node in primaries)
        {
            await using var connection = await NodeProbe.OpenAsync(administrator, node, ct);
            facts.Add(await NodeFacts.AskAsync(connection, node.Name, ct));
            if (node == options.Coordinator)
            {
                kept = await KeptAsync(connection, ct);
            }
        }

        facts.AddRange((await ofStandbys).OfType<NodeFacts>());
        var mistakes = Mistakes(options.Engine, kept, facts);
        if (mistakes.Count > 0)
        {
            throw new DatabaseSetupException(
                "The database servers do not fit together:" + Environment.NewLine + string.Join(Environment.NewLine, mistakes.Select(mistake => "  " + mistake)));
        }

        return RollingUpgrade.Of(facts, [.. standbys.Select(node => node.Name).Except(facts.Select(node => node.Node))]);
    }

    /// <summary>What does not fit, one line for each mistake and node, with what to do.</summary>
    /// <param name="asked">The configured engine.</param>
    /// <param name="kept">The engine that keeps the data; null for a new database.</param>
    /// <param name="nodes">What the servers answered, the coordinator first.</param>
    internal static IReadOnlyList<string> Mistakes(EngineChoice asked, EngineChoice? kept, IReadOnlyList<NodeFacts> nodes)
    {
        var coordinator = nodes[0];
        var mistakes = new List<string>();
        if (kept is { } engine && asked != EngineChoice.Auto && asked != engine)
        {
            mistakes.Add(EngineHasChanged(engine, asked));
        }
        else if ((kept ?? asked) == EngineChoice.Citus || (kept is null && asked == EngineChoice.Auto && Libraries(coordinator).Contains(Citus)))
        {
            mistakes.AddRange(nodes.SelectMany(node => OfCitus(node, coordinator, isUpgrade: kept is not null)));
        }

        mistakes.AddRange(nodes.Skip(1).SelectMany(node => Differences(node, coordinator, isUpgrade: kept is not null)));
        return mistakes;
    }

    /// <summary>The message for an engine that is not the one that keeps the data.</summary>
    /// <param name="kept">The engine that keeps the data.</param>
    /// <param name="asked">The configured engine.</param>
    internal static string EngineHasChanged(EngineChoice kept, EngineChoice asked) =>
        $"The data is kept by the engine {kept}, but Database:Engine is {asked}. Set Database:Engine to {kept} to go on with this data; "
        + $"to change to {asked}, dump the data and restore it into a new cluster, or start over with --fresh, which removes the data.";

    private static IEnumerable<string> OfCitus(NodeFacts node, NodeFacts coordinator, bool isUpgrade)
    {
        var libraries = Libraries(node);
        if (node.CitusPackage is null)
        {
            yield return $"{node.Node}: Citus is not installed. Install the Citus package for PostgreSQL {node.Version / VersionsPerMajor}, "
                + "put citus first in shared_preload_libraries, and restart the server.";
        }
        else if (!libraries.Contains(Citus))
        {
            yield return $"{node.Node}: shared_preload_libraries is '{node.PreloadedLibraries}', without citus. Put citus first and restart the server.";
        }
        else if (libraries[0] != Citus)
        {
            yield return $"{node.Node}: shared_preload_libraries is '{node.PreloadedLibraries}', where citus is not first. Put it first and restart the server.";
        }

        // A rolling upgrade begins with the standbys.
        if (!node.IsStandby && node.CitusLibrary is { } library && coordinator.CitusLibrary is { } theirs && library != theirs
            && !(isUpgrade && node.CitusExtension is not null && CitusVersion.Parse(library).WorksWith(CitusVersion.Parse(theirs))))
        {
            yield return $"{node.Node}: Citus is {library}, on {coordinator.Node} {theirs}. Install the same version on all nodes and restart those that had another.";
        }

        if (node is { IsStandby: false, CitusPackage: { } package })
        {
            var installed = CitusVersion.Parse(package);
            if (node.CitusLibrary is { } loaded && CitusVersion.Parse(loaded) != installed)
            {
                yield return $"{node.Node}: the server has loaded Citus {loaded}, its package is {package}. Restart the server.";
            }
            else if (node.CitusExtension is { } extension && CitusVersion.Parse(extension).CompareTo(installed) > 0)
            {
                yield return $"{node.Node}: the extension citus is {extension}, its package {package}. Install Citus {CitusVersion.Parse(extension)} again: an extension has no way back.";
            }
        }

        if (node.MaxPreparedTransactions == 0)
        {
            yield return $"{node.Node}: max_prepared_transactions is 0: Citus commits writes to several nodes in two phases. "
                + "Set it as high as max_connections, on the standby as well, and restart the server.";
        }

        if (node.WalLevel != "logical")
        {
            yield return $"{node.Node}: wal_level is {node.WalLevel}: Citus moves shards that are in use by logical replication. Set it to logical and restart the server.";
        }
    }

    private static IEnumerable<string> Differences(NodeFacts node, NodeFacts coordinator, bool isUpgrade)
    {
        if (node.Version / VersionsPerMajor != coordinator.Version / VersionsPerMajor && !(isUpgrade && coordinator.CitusExtension is not null && (node.IsStandby || node.CitusExtension is not null)))
        {
            yield return $"{node.Node}: PostgreSQL is {node.Version / VersionsPerMajor}, on {coordinator.Node} {coordinator.Version / VersionsPerMajor}. "
                + "Bring all nodes to one major version first.";
        }

        var difference = node.ClockOffset - coordinator.ClockOffset;
        if (difference.Duration() - node.ClockUncertainty - coordinator.ClockUncertainty > MaxClockDifference)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{node.Node}: its clock is {difference.Duration().TotalSeconds:0.0} s {(difference > TimeSpan.Zero ? "ahead of" : "behind")} that of {coordinator.Node}, "
                + $"where {MaxClockDifference.TotalSeconds:0} s are allowed. Set both by NTP ('timedatectl' shows the state).");
        }

        foreach (var (what, ours, theirs) in new[]
        {
            ("encoding", node.Text.Encoding, coordinator.Text.Encoding),
            ("collation (datcollate)", node.Text.Collate, coordinator.Text.Collate),
            ("character type (datctype)", node.Text.Ctype, coordinator.Text.Ctype),
            ("locale provider", node.Text.Provider, coordinator.Text.Provider),
        })
        {
            if (ours != theirs)
            {
                yield return $"{node.Node}: the {what} of the database is {ours}, on {coordinator.Node} {theirs}. "
                    + "Make one of the two servers again, by initdb with the same --encoding and --locale.";
            }
        }

        // A version is that of a library: of different ones it says nothing.
        if (!node.IsStandby && node.Text.Provider == coordinator.Text.Provider && node.Text.Collate == coordinator.Text.Collate && node.Text.Version != coordinator.Text.Version)
        {
            yield return $"{node.Node}: the library that sorts by {node.Text.Collate} is {node.Text.Version ?? "without a version"}, "
                + $"on {coordinator.Node} {coordinator.Text.Version ?? "without a version"}. Install the same version of glibc or ICU on all machines, "
                + "then REINDEX and ALTER DATABASE … REFRESH COLLATION VERSION where it has changed.";
        }
    }

    // A list of names as PostgreSQL takes it, each perhaps quoted and with a folder.
    private static List<string> Libraries(NodeFacts node) =>
        [.. node.PreloadedLibraries.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(library => Path.GetFileNameWithoutExtension(library.Trim('"')))];

    private static async Task<NodeFacts?> AskStandbyAsync(NodeConnections administrator, DatabaseNode node, CancellationToken ct)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(StandbyDeadline);
        try
        {
            await using var connection = await NodeProbe.OpenAsync(administrator, node, deadline.Token);
            return (await NodeFacts.AskAsync(connection, node.Name, deadline.Token)) with { IsStandby = true };
        }
        catch (Exception e) when (e is NpgsqlException or SocketException or IOException or TimeoutException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return null;
        }
    }

    private static async Task<EngineChoice?> KeptAsync(NpgsqlConnection coordinator, CancellationToken ct) =>
        await coordinator.ScalarAsync<bool>("SELECT to_regclass('dinehub.settings') IS NOT NULL", ct)
        && await coordinator.ScalarAsync<string>("SELECT value FROM dinehub.settings WHERE name = 'engine'", ct) is { } kept
            ? Enum.Parse<EngineChoice>(kept)
            : null;
}
