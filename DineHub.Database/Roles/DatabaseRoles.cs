using DineHub.Database.Cluster;

namespace DineHub.Database.Roles;

/// <summary>A role that signs in with a password.</summary>
/// <param name="Name">The role.</param>
/// <param name="PasswordKey">The key below <c>Database:</c> that its password is configured by.</param>
public sealed record LoginRole(string Name, string PasswordKey);

/// <summary>
/// The roles of the cluster, the same on every node, none of them a superuser. The superuser of each server sets nodes up, promotes and
/// keeps durability; nothing that serves requests knows its password.
/// </summary>
public static class DatabaseRoles
{
    /// <summary>Owns schemas and tables. It has no sign-in, except on Citus: between the nodes, with a generated password that only they hold.</summary>
    public const string Owner = "dinehub_owner";

    /// <summary>Changes the schema: a member of <see cref="Owner"/>.</summary>
    public const string Migrator = "dinehub_migrator";

    /// <summary>Reads statistics and the state of replication, and no rows.</summary>
    public const string Monitor = "dinehub_monitor";

    /// <summary>Streams and copies a primary's files (base backup, pg_rewind), and reads which server is whose primary.</summary>
    public const string Replication = "dinehub_replication";

    /// <summary>The roles that sign in with a password.</summary>
    public static IReadOnlyList<LoginRole> WithPassword { get; } =
    [
        new(DatabaseOptions.ApiRole, "ApiPassword"),
        new(Migrator, "MigratorPassword"),
        new(Monitor, "MonitorPassword"),
        new(Replication, "ReplicationPassword"),
    ];
}
