using System.CommandLine;
using System.Text.Json;
using DineHub.Database;
using DineHub.Database.Engines;
using DineHub.ServiceDefaults;
using Npgsql;
using Spectre.Console;

namespace DineHub.Api.Operations;

/// <summary>The <c>db</c> verbs: what an operator does to the database cluster, with an administrator's credentials.</summary>
internal static class DbCommand
{
    private const int Failed = 1;

    public static Command Create(IConfiguration configuration)
    {
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var status = new Command("status", "Show nodes, shards or partitions, and rows.") { json };
        status.SetAction((result, ct) => RunAsync(configuration, (cluster, token) => StatusAsync(cluster, result.GetValue(json), token), ct));

        var migrate = new Command("migrate", "Bring nodes, roles and schema to what this version needs. May be repeated.");
        migrate.SetAction((_, ct) => RunAsync(configuration, MigrateAsync, ct));

        var seed = new Command("seed", "Add the example restaurants that are missing. For development and tests.");
        seed.SetAction((_, ct) => RunAsync(configuration, SeedAsync, ct));

        return new Command("db", "Work on the database cluster (Database:AdminConnectionString, Database:Nodes).") { migrate, seed, status };
    }

    private static async Task<int> RunAsync(IConfiguration configuration, Func<DatabaseCluster, CancellationToken, Task> action, CancellationToken ct)
    {
        try
        {
            await action(new DatabaseCluster(DatabaseOptions.Read(configuration)), ct);
            return 0;
        }
        catch (DatabaseConfigurationException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return ServiceDefaultsExtensions.Misconfigured;
        }
        catch (Exception e) when (e is DatabaseSetupException or NpgsqlException)
        {
            await Console.Error.WriteLineAsync($"fail: {e.Message}");
            return Failed;
        }
    }

    private static async Task MigrateAsync(DatabaseCluster cluster, CancellationToken ct)
    {
        var result = await new Migrator(cluster).MigrateAsync(ct);
        foreach (var migration in result.Applied)
        {
            Console.WriteLine($"applied {migration.Number:0000}_{migration.Name}");
        }

        Console.WriteLine($"The schema is at version {result.Version} on the engine {result.Engine}.");
    }

    private static async Task SeedAsync(DatabaseCluster cluster, CancellationToken ct)
    {
        var result = await new Seeder(cluster, TimeProvider.System).SeedAsync(ct);
        Console.WriteLine($"{result.Added} of {result.Total} restaurants were added; the others were there.");
    }

    private static async Task StatusAsync(DatabaseCluster cluster, bool json, CancellationToken ct)
    {
        var status = await DatabaseStatus.ReadAsync(cluster, ct);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(status, StatusJson.Default.DatabaseStatus));
            return;
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings());
        console.Profile.Width = Math.Max(console.Profile.Width, 120);
        console.WriteLine($"Engine {status.Engine}, schema version {status.Version}, {status.Restaurants} restaurants, {status.LocalRestaurants} of them on a worker in their own region");
        var nodes = new Table().AddColumns("Node", "Role", "Region", "Address", "PostgreSQL", "Size");
        foreach (var node in status.Nodes)
        {
            nodes.AddRow(
                node.Node.Name,
                node.Role,
                node.Node.Region,
                $"{node.Node.Host}:{node.Node.Port}",
                Markup.Escape(node.Version ?? $"DOWN: {node.Problem}"),
                node.SizeBytes is { } size ? $"{size / 1024 / 1024} MiB" : "-");
        }

        var tables = new Table().AddColumns("Table", "Node", "Shards or partitions", "Rows");
        foreach (var table in status.Tables.OrderBy(table => table.Table, StringComparer.Ordinal))
        {
            tables.AddRow(table.Table, table.Node, $"{table.Pieces}", table.Rows is { } rows ? $"{rows}" : "-");
        }

        console.Write(nodes);
        console.Write(tables);
    }
}
