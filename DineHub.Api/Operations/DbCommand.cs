using System.CommandLine;
using System.CommandLine.Parsing;
using DineHub.Database.Backups;
using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using DineHub.Database.Migrations;
using DineHub.Database.Replication;
using DineHub.Database.Seed;
using DineHub.Database.Servers;
using DineHub.Database.Tools;
using DineHub.ServiceDefaults;
using Npgsql;

namespace DineHub.Api.Operations;

/// <summary>The <c>db</c> verbs: what an operator, or a database machine itself, does to the database cluster.</summary>
internal static class DbCommand
{
    private const int Failed = 1;

    public static Command Create(IConfiguration configuration) =>
        new("db", "Operate the database cluster (Database:AdminConnectionString, Database:Nodes, Database:Standbys).")
        {
            Migrate(configuration),
            Seed(configuration),
            Status(configuration),
            Promote(configuration),
            Join(configuration),
            UpgradeServer(configuration),
            Keep(configuration),
            Backup(configuration),
            Backups(configuration),
            RestorePoint(configuration),
            Restore(configuration),
            GrowthCommands.AddWorker(configuration),
            GrowthCommands.RemoveWorker(configuration),
            GrowthCommands.Rebalance(configuration),
            GrowthCommands.Isolate(configuration),
            GrowthCommands.Move(configuration),
            GrowthCommands.Shards(configuration),
        };

    private static Command Migrate(IConfiguration configuration)
    {
        var command = new Command("migrate", "Set up nodes and roles, and apply pending migrations. Idempotent.");
        command.SetAction((_, ct) => RunAsync(configuration, needsAdministrator: false, async options =>
        {
            var result = await new Migrator(await DatabaseCluster.ResolveAsync(options, ct)).MigrateAsync(ct);
            foreach (var migration in result.Applied)
            {
                Report($"applied {migration.Title}");
            }

            if (result.Extension is { } extension)
            {
                Report($"updated the extension citus to {extension} on all nodes");
            }

            foreach (var note in result.Notes)
            {
                Report(note);
            }

            Report($"The schema is at version {result.Version} on the engine {result.Engine}.");
        }));
        return command;
    }

    private static Command Seed(IConfiguration configuration)
    {
        var command = new Command("seed", "Add missing example restaurants. For development and tests.");
        command.SetAction((_, ct) => RunAsync(configuration, needsAdministrator: false, async options =>
        {
            var result = await new Seeder(await DatabaseCluster.ResolveAsync(options, ct), TimeProvider.System).SeedAsync(ct);
            Report($"{result.Added} of {result.Total} restaurants were added; the others were there.");
        }));
        return command;
    }

    private static Command Status(IConfiguration configuration)
    {
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("status", "Show nodes, replication, shards or partitions, and rows.") { json };
        command.SetAction((result, ct) => RunAsync(
            configuration, needsAdministrator: true, async options => StatusReport.Write(await DatabaseStatus.ReadAsync(options, ct), result.GetValue(json))));
        return command;
    }

    private static Command Promote(IConfiguration configuration)
    {
        var name = new Argument<string>("name") { Description = "The group whose standby to promote, such as db-worker-2, or the server to promote." };
        var lost = new Option<bool>("--lost") { Description = "Confirm that the unreachable old primary is switched off or cut off, and takes no writes." };
        var acceptLoss = new Option<bool>("--accept-loss") { Description = "Accept the loss of commits that only the old primary may have." };
        var command = new Command("promote", "Fence a group's primary, promote its standby, and repoint the cluster.") { name, lost, acceptLoss };
        command.SetAction((result, ct) => RunAsync(configuration, needsAdministrator: true, options =>
            new Promotion(options, TimeProvider.System, Report)
                .PromoteAsync(result.GetRequiredValue(name), new PromotionConsent(result.GetValue(lost), result.GetValue(acceptLoss)), ct)));
        return command;
    }

    private static Command Join(IConfiguration configuration)
    {
        var node = new Option<string>("--node") { Description = "The server's name.", Required = true };
        var data = new Option<string>("--data") { Description = "The server's data directory.", HelpName = "DIR", Required = true };
        var bin = new Option<string?>("--bin") { Description = "The directory of PostgreSQL's programs. Default: PATH.", HelpName = "DIR" };
        var force = new Option<bool>("--force") { Description = "Start a former primary without confirmation by another node that it still is the primary." };
        var initialize = new Option<bool>("--initialize") { Description = "Create a new server's data directory (initdb), with the superuser's password from Database:AdminConnectionString." };
        var settings = new Option<ServerSetting[]>("--setting")
        {
            Description = "A line of postgresql.conf for a new server. May be repeated.",
            HelpName = "NAME=VALUE",
            DefaultValueFactory = _ => [],
            CustomParser = result => Parsed(result, ServerSetting.Parse),
        };
        var command = new Command("join", "Prepare a server's data directory before it starts (create it, or rewind or re-clone if another server is primary).")
        {
            node, data, bin, force, initialize, settings,
        };
        command.SetAction((result, ct) => RunAsync(configuration, needsAdministrator: false, async options =>
        {
            var name = result.GetRequiredValue(node);
            var group = options.GroupOf(name)
                ?? throw new DatabaseSetupException($"There is no node '{name}' in Database:Coordinator, Database:Nodes or Database:Standbys.");
            var files = new ServerFiles(result.GetRequiredValue(data), result.GetValue(bin));
            var start = await new NodeJoin(options, group, name, files, Report).RunAsync(result.GetValue(force), ct);
            if (start == JoinResult.New && result.GetValue(initialize))
            {
                await new ServerInitialization(files, options.AdministratorPassword(), result.GetRequiredValue(settings)).RunAsync(ct);
                Report($"{name} is new in '{files.DataDirectory}'");
            }
        }));
        return command;
    }

    private static Command UpgradeServer(IConfiguration configuration)
    {
        var data = new Option<string>("--data") { Description = "The data directory of a stopped primary.", HelpName = "DIR", Required = true };
        var from = new Option<string>("--from") { Description = "The directory of the old version's programs.", HelpName = "DIR", Required = true };
        var bin = new Option<string>("--bin") { Description = "The directory of the new version's programs.", HelpName = "DIR", Required = true };
        var command = new Command("upgrade-server", "Move a stopped primary's data to a newer major version of PostgreSQL (pg_upgrade --link).") { data, from, bin };
        command.SetAction((result, ct) => RunAsync(
            configuration,
            needsAdministrator: false,
            _ => new ServerUpgrade(new ServerFiles(result.GetRequiredValue(data), result.GetRequiredValue(bin)), result.GetRequiredValue(from), Report).RunAsync(ct)));
        return command;
    }

    private static Command Keep(IConfiguration configuration)
    {
        var group = new Option<string?>("--group") { Description = "The group to keep. Default: all." };
        var command = new Command("keep", "Run the keeper until stopped: maintain the configured durability and measure replication. Serves health and metrics at ASPNETCORE_URLS.") { group };
        command.SetAction((result, ct) => RunAsync(configuration, needsAdministrator: true, options => KeeperApplication.RunAsync(options, result.GetValue(group), ct)));
        return command;
    }

    private static Command Backup(IConfiguration configuration)
    {
        var kind = new Option<BackupKind>("--type") { Description = "Full, Differential (since the last full one) or Incremental.", DefaultValueFactory = _ => BackupKind.Differential };
        var command = new Command("backup", "Back up this machine's primaries, archive their WAL from now on, and create a restore point.") { kind };
        command.SetAction((result, ct) => RunAsync(
            configuration, needsAdministrator: true, options => BackupsOf(options, configuration).BackUpAsync(result.GetValue(kind), ct)));
        return command;
    }

    private static Command Backups(IConfiguration configuration)
    {
        var verify = new Option<bool>("--verify") { Description = "Read every backup and all WAL, and compare checksums." };
        var command = new Command("backups", "List the backups of this machine's servers.") { verify };
        command.SetAction((result, ct) => RunAsync(configuration, needsAdministrator: true, async options =>
        {
            var backups = BackupsOf(options, configuration);
            StatusReport.Write(await backups.ListAsync(ct));
            if (result.GetValue(verify))
            {
                await backups.VerifyAsync(ct);
            }
        }));
        return command;
    }

    private static Command RestorePoint(IConfiguration configuration)
    {
        var label = new Argument<string>("label") { Description = "The prefix of the restore point's name; its time follows.", DefaultValueFactory = _ => "dinehub" };
        var command = new Command("restore-point", "Create a restore point of the whole cluster, and archive it.") { label };
        command.SetAction((result, ct) => RunAsync(
            configuration, needsAdministrator: true, options => BackupsOf(options, configuration).MakeRestorePointAsync(result.GetRequiredValue(label), ct)));
        return command;
    }

    private static Command Restore(IConfiguration configuration)
    {
        var target = new Option<RestoreTarget>("--to")
        {
            Description = "A time with its offset (2026-11-21T10:15:00Z), a restore point's name, or 'latest'.",
            Required = true,
            CustomParser = result => Parsed(result, RestoreTarget.Parse)?[0],
        };
        var command = new Command("restore", "Restore this machine's servers, which must be stopped. The old data is moved aside.") { target };
        command.SetAction((result, ct) => RunAsync(
            configuration, needsAdministrator: true, options => BackupsOf(options, configuration).RestoreAsync(result.GetRequiredValue(target), ct)));
        return command;
    }

    private static ClusterBackups BackupsOf(DatabaseOptions options, IConfiguration configuration) => new(options, BackupOptions.Read(configuration), TimeProvider.System, Report);

    private static T[]? Parsed<T>(ArgumentResult result, Func<string, T> parse)
    {
        try
        {
            return [.. result.Tokens.Select(token => parse(token.Value))];
        }
        catch (FormatException e)
        {
            result.AddError(e.Message);
            return null;
        }
    }

    internal static void Report(string line) => Console.WriteLine(line);

    /// <summary>Runs a verb: 0, or the message on the standard error and <see cref="Failed"/> or <see cref="ServiceDefaultsExtensions.Misconfigured"/>.</summary>
    internal static async Task<int> RunAsync(IConfiguration configuration, bool needsAdministrator, Func<DatabaseOptions, Task> action)
    {
        try
        {
            await action(DatabaseOptions.Read(configuration, needsAdministrator));
            return 0;
        }
        catch (DatabaseConfigurationException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return ServiceDefaultsExtensions.Misconfigured;
        }
        catch (Exception e) when (e is DatabaseSetupException or DataDirectoryException or BackupException or ToolException or NpgsqlException or FormatException)
        {
            await Console.Error.WriteLineAsync($"fail: {e.Message}");
            return Failed;
        }
    }
}
