using System.Globalization;
using System.Text.Json;
using DineHub.Database.Backups;
using DineHub.Database.Cluster;
using DineHub.Database.Growth;
using DineHub.Database.Nodes;
using Spectre.Console;

namespace DineHub.Api.Operations;

/// <summary>Shows <c>db status</c> and <c>db shards</c> to people and to machines.</summary>
internal static class StatusReport
{
    private const int NarrowestTable = 120;
    private const long Mebibyte = 1024 * 1024;

    public static void Write(DatabaseStatus status, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(status, StatusJson.Default.DatabaseStatus));
            return;
        }

        var console = WideConsole();
        console.WriteLine(
            $"Engine {status.Engine}, schema version {status.Version}, durability {status.Durability}, "
            + $"{status.Restaurants} restaurants, {status.LocalRestaurants} of them on a worker in their own region");
        console.Write(Nodes(status));
        if (status.Replication.Count > 0)
        {
            console.Write(Replication(status));
        }

        console.Write(Tables(status));
    }

    public static void Write(IReadOnlyList<GroupBackups> groups)
    {
        var table = new Table().AddColumns("Group", "Backup", "Kind", "From", "Until", "Database", "Repository", "");
        foreach (var group in groups)
        {
            foreach (var backup in group.Backups.Backups)
            {
                table.AddRow(
                    group.Group,
                    backup.Label,
                    backup.Kind.ToString(),
                    Utc(backup.Start),
                    Utc(backup.Stop),
                    $"{backup.DatabaseBytes / Mebibyte} MiB",
                    $"{backup.RepositoryBytes / Mebibyte} MiB",
                    backup.HasErrors ? "[red]has errors[/]" : "");
            }
        }

        WideConsole().Write(table);
    }

    public static void Write(ShardReport report, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(report, StatusJson.Default.ShardReport));
            return;
        }

        var console = WideConsole();
        var nodes = new Table().AddColumns("Node", "Region", "Shard groups", "Restaurants", "Orders, about", "Size", "Orders/s", "Largest : median", "");
        foreach (var node in report.Nodes)
        {
            nodes.AddRow(
                node.Node, node.Region, $"{node.Groups}", $"{node.Restaurants}", Number(node.Orders), Size(node.Bytes), Rate(node.OrdersPerSecond), Rate(node.Skew), Markup.Escape(node.Problem ?? ""));
        }

        var shards = new Table().AddColumns("Node", "Region", report.Engine == EngineChoice.Citus ? "Shard" : "Partition", "Restaurants", "Orders, about", "Size", "Orders/s", "");
        foreach (var shard in report.Shards)
        {
            shards.AddRow(
                shard.Node,
                shard.Region,
                $"{shard.Shard}",
                $"{shard.Restaurants}",
                Number(shard.Orders),
                Size(shard.Bytes),
                Rate(shard.OrdersPerSecond),
                (shard.IsIsolated ? "isolated " : "") + (shard.IsLarge ? $"[red]over {ShardReport.LargeFactor} times the median[/]" : ""));
        }

        console.Write(nodes);
        console.Write(shards);
    }

    private static string Number(long? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "-";

    private static string Rate(double? value) => value?.ToString("0.0", CultureInfo.InvariantCulture) ?? "-";

    private static string Size(long? bytes) => bytes is { } known ? string.Create(CultureInfo.InvariantCulture, $"{known / (double)Mebibyte:0.0} MiB") : "-";

    private static string Utc(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static IAnsiConsole WideConsole()
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings());
        console.Profile.Width = Math.Max(console.Profile.Width, NarrowestTable);
        return console;
    }

    private static Table Nodes(DatabaseStatus status)
    {
        var table = new Table().AddColumns("Group", "Node", "Now", "Region", "Address", "PostgreSQL", "Size");
        foreach (var node in status.Nodes)
        {
            table.AddRow(
                node.Group,
                node.Node.Name,
                node.State is ServerState.Primary or ServerState.Standby ? node.State.ToString() : $"[red]{node.State}[/]",
                node.Node.Region,
                $"{node.Node.Host}:{node.Node.Port}",
                Markup.Escape(node.Version ?? node.Problem ?? ""),
                node.SizeBytes is { } size ? $"{size / Mebibyte} MiB" : "-");
        }

        return table;
    }

    private static Table Replication(DatabaseStatus status)
    {
        var table = new Table().AddColumns("Group", "Primary", "Generation", "Standby", "Commits are on", "Lag, bytes", "Lag, seconds");
        foreach (var group in status.Replication)
        {
            table.AddRow(
                group.Group,
                group.Primary,
                group.Generation is { } generation ? $"{generation}" : "-",
                $"{group.Standby} ({(group.Lag is { IsStreaming: true } ? "streams" : "does not stream")})",
                Where(status.Durability, group),
                group.Lag?.Bytes is { } bytes ? bytes.ToString(CultureInfo.InvariantCulture) : "-",
                group.Lag?.Seconds is { } seconds ? seconds.ToString("0.000", CultureInfo.InvariantCulture) : "-");
        }

        return table;
    }

    private static string Where(Durability durability, ReplicationStatus group) => (durability, group.InSync) switch
    {
        (_, true) => "both disks",
        (Durability.Local, _) => "the primary's disk",
        _ => "[red]the primary's disk alone[/]",
    };

    private static Table Tables(DatabaseStatus status)
    {
        var table = new Table().AddColumns("Table", "Node", "Shards or partitions", "Rows");
        foreach (var piece in status.Tables.OrderBy(piece => piece.Table, StringComparer.Ordinal))
        {
            table.AddRow(piece.Table, piece.Node, $"{piece.Pieces}", piece.Rows is { } rows ? $"{rows}" : "-");
        }

        return table;
    }
}
