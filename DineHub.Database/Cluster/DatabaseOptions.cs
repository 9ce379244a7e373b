using System.Globalization;
using DineHub.Database.Nodes;
using DineHub.Database.Roles;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace DineHub.Database.Cluster;

/// <summary>Which engine distributes the tables.</summary>
public enum EngineChoice
{
    /// <summary>Citus where its extension can be created, else stock PostgreSQL. What was chosen first stays.</summary>
    Auto,

    /// <summary>Citus: distributed and reference tables.</summary>
    Citus,

    /// <summary>Stock PostgreSQL: hash partitions that are postgres_fdw foreign tables. For development and tests.</summary>
    Postgres,
}

/// <summary>When a commit is acknowledged.</summary>
public enum Durability
{
    /// <summary>When it is on the primary's disk.</summary>
    Local,

    /// <summary>When it is on the disks of the primary and of its standby.</summary>
    Standby,
}

/// <summary>What the <c>db</c> verbs need to know of the cluster. The API itself needs none of it.</summary>
public sealed record DatabaseOptions
{
    /// <summary>The database that holds everything.</summary>
    public const string DatabaseName = "dinehub";

    /// <summary>The role that the API signs in as: no superuser, owner of nothing.</summary>
    public const string ApiRole = "dinehub_api";

    private const int MaxTimeoutSeconds = 3600;

    /// <summary>A superuser's name and password, the same on every node; null for what needs none (<c>db join</c>, <c>db migrate</c> on a cluster that is set up).</summary>
    public string? AdminConnectionString { get; init; }

    /// <summary>Which engine to use.</summary>
    public EngineChoice Engine { get; init; }

    /// <summary>The coordinator.</summary>
    public required DatabaseNode Coordinator { get; init; }

    /// <summary>The workers, in the order of the topology; at least one.</summary>
    public required IReadOnlyList<DatabaseNode> Workers { get; init; }

    /// <summary>The standbys, each with the name of the coordinator or worker that it follows; at most one each.</summary>
    public IReadOnlyList<StandbyNode> Standbys { get; init; } = [];

    /// <summary>The servers that follow the primaries now, where that was observed; else null, and those of <see cref="Standbys"/> do.</summary>
    internal IReadOnlyList<DatabaseNode>? Followers { get; init; }

    /// <summary>When a commit is acknowledged.</summary>
    public Durability Durability { get; init; }

    /// <summary>How long a primary waits for a standby that has gone before it goes on without it, 1 s to 1 h.</summary>
    public TimeSpan StandbyTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The passwords of the roles that this run sets or signs in as, by role; see <see cref="Roles.DatabaseRoles"/>.</summary>
    public IReadOnlyDictionary<string, string> Passwords { get; init; } = new Dictionary<string, string>();

    /// <summary>Parameters of the connections between nodes, such as <c>sslmode=verify-full sslrootcert=/etc/ssl/mesh.pem</c> (libpq); null for the engine's own default.</summary>
    public string? NodeConnectionInfo { get; init; }

    /// <summary>The coordinator and the workers, each with its standby.</summary>
    public IReadOnlyList<DatabaseGroup> Groups =>
        [.. Workers.Prepend(Coordinator).Select(primary => new DatabaseGroup(primary, Standbys.FirstOrDefault(standby => standby.Follows == primary.Name)?.Node))];

    /// <summary>Shards of a distributed table on Citus, 1 to 1024.</summary>
    public int Shards { get; init; } = 32;

    /// <summary>The superuser's password, for a new server. Secret.</summary>
    /// <exception cref="DatabaseConfigurationException"><see cref="AdminConnectionString"/> has none.</exception>
    public string AdministratorPassword() => new NpgsqlConnectionStringBuilder(AdminConnectionString).Password is { Length: > 0 } password
        ? password
        : throw new DatabaseConfigurationException(["Database:AdminConnectionString: must have the password of a new server's superuser (Password=...)."]);

    /// <summary>The group that a server belongs to; null where there is no such server.</summary>
    /// <param name="server">The server's name.</param>
    public DatabaseGroup? GroupOf(string server) => Groups.FirstOrDefault(group => group.Members.Any(member => member.Name == server));

    /// <summary>Reads the options from configuration.</summary>
    /// <param name="configuration">
    /// <c>Database:AdminConnectionString</c>, <c>Database:Engine</c>, <c>Database:Coordinator{Name,Region,Host,Port,PeerHost,PeerPort}</c>,
    /// <c>Database:Nodes:n:{Name,Region,Host,Port,PeerHost,PeerPort}</c>, <c>Database:Standbys:n:…</c> with <c>Follows</c>, <c>Database:Durability</c>,
    /// <c>Database:StandbyTimeoutSeconds</c>, <c>Database:{Api,Migrator,Monitor,Replication}Password</c>, <c>Database:NodeConnectionInfo</c>,
    /// <c>Database:Shards</c>.
    /// </param>
    /// <param name="needsAdministrator">Whether the administrator's connection string is required.</param>
    /// <exception cref="DatabaseConfigurationException">Something is missing or wrong; the message lists everything.</exception>
    public static DatabaseOptions Read(IConfiguration configuration, bool needsAdministrator = true)
    {
        var errors = new List<string>();
        var section = configuration.GetSection("Database");

        string Required(string key)
        {
            var value = configuration[key];
            if (string.IsNullOrWhiteSpace(value))
            {
                errors.Add($"{key}: is required.");
            }

            return value ?? "";
        }

        int Number(string key, int minimum, int maximum, int? fallback = null)
        {
            var text = configuration[key];
            if (text is null && fallback is { } value)
            {
                return value;
            }

            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= minimum && number <= maximum)
            {
                return number;
            }

            errors.Add($"{key}: must be a whole number from {minimum} to {maximum}, but is '{text}'.");
            return minimum;
        }

        T Choice<T>(string key, T fallback)
            where T : struct, Enum
        {
            if (configuration[key] is not { } text)
            {
                return fallback;
            }

            if (!Enum.TryParse<T>(text, ignoreCase: true, out var choice) || !Enum.IsDefined(choice))
            {
                errors.Add($"{key}: must be {string.Join(", ", Enum.GetNames<T>())}, but is '{text}'.");
            }

            return choice;
        }

        PeerAddress? Peer(string prefix) =>
            configuration[prefix + "PeerHost"] is { Length: > 0 } host ? new PeerAddress(host, Number(prefix + "PeerPort", 1, 65535)) : null;

        DatabaseNode Node(IConfigurationSection child) => new(
            Required($"{child.Path}:Name"), child["Region"] ?? "local", Required($"{child.Path}:Host"), Number($"{child.Path}:Port", 1, 65535), Peer(child.Path + ":"));

        var admin = needsAdministrator ? Required("Database:AdminConnectionString") : configuration["Database:AdminConnectionString"];
        var parsed = new NpgsqlConnectionStringBuilder();
        try
        {
            parsed.ConnectionString = admin ?? "";
        }
        catch (ArgumentException e)
        {
            errors.Add($"Database:AdminConnectionString: {e.Message}");
        }

        var workers = Children(section, "Nodes").Select(Node).ToList();
        if (workers.Count == 0)
        {
            errors.Add("Database:Nodes: at least one worker is required (Database:Nodes:0:Name, :Region, :Host, :Port).");
        }

        var coordinator = new DatabaseNode(
            section["CoordinatorName"] ?? "db-coordinator",
            section["CoordinatorRegion"] ?? "local",
            section["CoordinatorHost"] ?? parsed.Host ?? "127.0.0.1",
            Number("Database:CoordinatorPort", 1, 65535, parsed.Port),
            Peer("Database:Coordinator"));
        var standbys = Children(section, "Standbys").Select(child => new StandbyNode(Node(child), Required($"{child.Path}:Follows"))).ToList();
        var primaries = workers.Prepend(coordinator).Select(node => node.Name).ToList();
        foreach (var twice in primaries.Concat(standbys.Select(standby => standby.Node.Name)).GroupBy(name => name).Where(group => group.Key.Length > 0 && group.Count() > 1))
        {
            errors.Add($"Database:Nodes: the name '{twice.Key}' is used {twice.Count()} times.");
        }

        foreach (var standby in standbys.Where(standby => standby.Follows.Length > 0 && !primaries.Contains(standby.Follows)))
        {
            errors.Add($"Database:Standbys: '{standby.Node.Name}' follows '{standby.Follows}', which is neither the coordinator nor a worker.");
        }

        foreach (var twice in standbys.GroupBy(standby => standby.Follows).Where(group => group.Key.Length > 0 && group.Count() > 1))
        {
            errors.Add($"Database:Standbys: '{twice.Key}' has {twice.Count()} standbys; only one is supported.");
        }

        var durability = Choice("Database:Durability", standbys.Count > 0 ? Durability.Standby : Durability.Local);
        if (durability == Durability.Standby && primaries.Exists(name => standbys.TrueForAll(standby => standby.Follows != name)))
        {
            errors.Add("Database:Durability: must be Local where a node has no standby to wait for.");
        }

        var options = new DatabaseOptions
        {
            AdminConnectionString = admin,
            Engine = Choice("Database:Engine", EngineChoice.Auto),
            Coordinator = coordinator,
            Workers = workers,
            Standbys = standbys,
            Durability = durability,
            StandbyTimeout = TimeSpan.FromSeconds(Number("Database:StandbyTimeoutSeconds", 1, MaxTimeoutSeconds, 15)),
            Passwords = DatabaseRoles.WithPassword
                .Select(role => (Role: role.Name, Password: section[role.PasswordKey]))
                .Where(role => !string.IsNullOrEmpty(role.Password))
                .ToDictionary(role => role.Role, role => role.Password!),
            NodeConnectionInfo = section["NodeConnectionInfo"],
            Shards = Number("Database:Shards", 1, 1024, 32),
        };
        return errors.Count == 0 ? options : throw new DatabaseConfigurationException(errors);
    }

    private static IEnumerable<IConfigurationSection> Children(IConfigurationSection section, string key) =>
        section.GetSection(key).GetChildren().OrderBy(child => int.TryParse(child.Key, CultureInfo.InvariantCulture, out var index) ? index : int.MaxValue);
}

/// <summary>The configuration of a <c>db</c> verb is wrong.</summary>
/// <param name="errors">Every mistake, with its configuration path.</param>
public sealed class DatabaseConfigurationException(IReadOnlyList<string> errors)
    : Exception("The database configuration is not valid:" + Environment.NewLine + string.Join(Environment.NewLine, errors.Select(error => "  " + error)))
{
    /// <summary>Every mistake, with its configuration path.</summary>
    public IReadOnlyList<string> Errors { get; } = errors;
}
