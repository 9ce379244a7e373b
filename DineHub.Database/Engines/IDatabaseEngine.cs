using DineHub.Database.Cluster;
using DineHub.Database.Migrations;
using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Engines;

/// <summary>How one distributed table is spread over one node.</summary>
/// <param name="Node">The node's name.</param>
/// <param name="Table">The table's name.</param>
/// <param name="Pieces">Shards (Citus) or partitions (stock PostgreSQL) of the table on the node.</param>
/// <param name="Rows">Rows of the table on the node; null where the node does not answer.</param>
public sealed record TableOnNode(string Node, string Table, long Pieces, long? Rows);

/// <summary>What makes one database of a coordinator and its workers.</summary>
public interface IDatabaseEngine
{
    /// <summary>Which engine it is.</summary>
    EngineChoice Kind { get; }

    /// <summary>Makes the workers known to the coordinator, or repoints them where their address has changed. May be repeated.</summary>
    /// <param name="coordinator">An administrator's connection to the coordinator.</param>
    /// <param name="ct">Cancels the work.</param>
    /// <exception cref="DatabaseSetupException">The nodes are not those that the data is spread over.</exception>
    Task AttachNodesAsync(NpgsqlConnection coordinator, CancellationToken ct);

    /// <summary>Sends the cluster to a group's new primary. The old one must be fenced: sessions that hang on it would block this.</summary>
    /// <param name="coordinator">A superuser's connection to the coordinator, the new one where that is what has changed.</param>
    /// <param name="group">The group under its name, with the new primary's address.</param>
    /// <param name="ct">Cancels the work.</param>
    Task RepointAsync(NpgsqlConnection coordinator, DatabaseNode group, CancellationToken ct);

    /// <summary>Applies one migration wherever its tables live. May be repeated after a failure half-way.</summary>
    /// <param name="coordinator">An administrator's connection to the coordinator.</param>
    /// <param name="migration">The migration.</param>
    /// <param name="ct">Cancels the work.</param>
    Task ApplyAsync(NpgsqlConnection coordinator, Migration migration, CancellationToken ct);

    /// <summary>Finishes a migration run, after all pending migrations were applied. May be repeated.</summary>
    /// <param name="coordinator">An administrator's connection to the coordinator.</param>
    /// <param name="ct">Cancels the work.</param>
    Task CompleteAsync(NpgsqlConnection coordinator, CancellationToken ct);

    /// <summary>Tells which worker holds the rows of each restaurant.</summary>
    /// <param name="coordinator">An administrator's connection to the coordinator.</param>
    /// <param name="restaurantIds">The restaurants, existing or not.</param>
    /// <param name="ct">Cancels the work.</param>
    /// <returns>The node's name for each id.</returns>
    Task<IReadOnlyDictionary<Guid, string>> LocateAsync(NpgsqlConnection coordinator, IReadOnlyCollection<Guid> restaurantIds, CancellationToken ct);

    /// <summary>Tells how the distributed tables are spread over the workers.</summary>
    /// <param name="coordinator">An administrator's connection to the coordinator.</param>
    /// <param name="reachable">The names of the nodes that answer.</param>
    /// <param name="ct">Cancels the work.</param>
    Task<IReadOnlyList<TableOnNode>> SpreadAsync(NpgsqlConnection coordinator, IReadOnlySet<string> reachable, CancellationToken ct);
}

/// <summary>The cluster cannot be set up as it is configured; the message says what to do.</summary>
/// <param name="message">What is wrong, and the remedy.</param>
public sealed class DatabaseSetupException(string message) : Exception(message);
