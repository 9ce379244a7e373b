using System.Globalization;
using DineHub.Database.Nodes;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace DineHub.Database;

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

/// <summary>What the <c>db</c> verbs need to know of the cluster. The API itself needs none of it.</summary>
public sealed record DatabaseOptions
{
    /// <summary>The database that holds everything.</summary>
    public const string DatabaseName = "dinehub";

    /// <summary>The role that the API signs in as: no superuser, owner of nothing.</summary>
    public const string ApiRole = "dinehub_api";

    /// <summary>How an administrator reaches the coordinator; its user name and password hold on the workers too.</summary>
    public required string AdminConnectionString { get; init; }

    /// <summary>Which engine to use.</summary>
    public EngineChoice Engine { get; init; }

    /// <summary>The coordinator, as the other nodes reach it.</summary>
    public required DatabaseNode Coordinator { get; init; }

    /// <summary>The workers, in the order of the topology; at least one.</summary>
    public required IReadOnlyList<DatabaseNode> Workers { get; init; }

    /// <summary>The password of <see cref="ApiRole"/>, set on every node by <c>db migrate</c>; null where this run does not set it.</summary>
    public string? ApiPassword { get; init; }

    /// <summary>Shards of a distributed table on Citus, 1 to 1024.</summary>
    public int Shards { get; init; } = 32;

    /// <summary>Reads the options from configuration.</summary>
    /// <param name="configuration">
    /// <c>Database:AdminConnectionString</c>, <c>Database:Engine</c>, <c>Database:Coordinator{Name,Region,Host,Port}</c>,
    /// <c>Database:Nodes:n:{Name,Region,Host,Port}</c>, <c>Database:ApiPassword</c>, <c>Database:Shards</c>.
    /// </param>
    /// <exception cref="DatabaseConfigurationException">Something is missing or wrong; the message lists everything.</exception>
    public static DatabaseOptions Read(IConfiguration configuration)
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

        var admin = Required("Database:AdminConnectionString");
        var parsed = new NpgsqlConnectionStringBuilder();
        try
        {
            parsed.ConnectionString = admin;
        }
        catch (ArgumentException e)
        {
            errors.Add($"Database:AdminConnectionString: {e.Message}");
        }

        var engine = EngineChoice.Auto;
        if (section["Engine"] is { } choice && !Enum.TryParse(choice, ignoreCase: true, out engine))
        {
            errors.Add($"Database:Engine: must be {string.Join(", ", Enum.GetNames<EngineChoice>())}, but is '{choice}'.");
        }

        var workers = section.GetSection("Nodes").GetChildren()
            .OrderBy(child => int.TryParse(child.Key, CultureInfo.InvariantCulture, out var index) ? index : int.MaxValue)
            .Select(child => new DatabaseNode(
                Required($"{child.Path}:Name"), child["Region"] ?? "local", Required($"{child.Path}:Host"), Number($"{child.Path}:Port", 1, 65535)))
            .ToList();
        if (workers.Count == 0)
        {
            errors.Add("Database:Nodes: at least one worker is required (Database:Nodes:0:Name, :Region, :Host, :Port).");
        }

        foreach (var twice in workers.GroupBy(worker => worker.Name).Where(group => group.Key.Length > 0 && group.Count() > 1))
        {
            errors.Add($"Database:Nodes: the name '{twice.Key}' is there {twice.Count()} times.");
        }

        var options = new DatabaseOptions
        {
            AdminConnectionString = admin,
            Engine = engine,
            Coordinator = new DatabaseNode(
                section["CoordinatorName"] ?? "db-coordinator",
                section["CoordinatorRegion"] ?? "local",
                section["CoordinatorHost"] ?? parsed.Host ?? "127.0.0.1",
                Number("Database:CoordinatorPort", 1, 65535, parsed.Port)),
            Workers = workers,
            ApiPassword = section["ApiPassword"],
            Shards = Number("Database:Shards", 1, 1024, 32),
        };
        return errors.Count == 0 ? options : throw new DatabaseConfigurationException(errors);
    }
}

/// <summary>The configuration of a <c>db</c> verb is wrong.</summary>
/// <param name="errors">Every mistake, with its configuration path.</param>
public sealed class DatabaseConfigurationException(IReadOnlyList<string> errors)
    : Exception("The database configuration is not valid:" + Environment.NewLine + string.Join(Environment.NewLine, errors.Select(error => "  " + error)))
{
    /// <summary>Every mistake, with its configuration path.</summary>
    public IReadOnlyList<string> Errors { get; } = errors;
}
