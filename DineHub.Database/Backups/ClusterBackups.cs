using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using DineHub.Database.Servers;
using Npgsql;

namespace DineHub.Database.Backups;

/// <summary>The backups of one group.</summary>
/// <param name="Group">The group, which is pgBackRest's stanza.</param>
/// <param name="Backups">What the repository holds, the oldest first.</param>
public sealed record GroupBackups(string Group, BackupList Backups);

/// <summary>What the <c>db</c> verbs do with the backups of the servers of this machine, and with restore points of the whole cluster.</summary>
/// <param name="options">The cluster, with the addresses of the topology.</param>
/// <param name="backups">Where backups go, and the servers of this machine.</param>
/// <param name="time">The clock.</param>
/// <param name="report">Is told of the steps, one line each.</param>
public sealed class ClusterBackups(DatabaseOptions options, BackupOptions backups, TimeProvider time, Action<string> report)
{
    private static readonly TimeSpan ArchiveDeadline = TimeSpan.FromMinutes(2);

    private readonly NodeConnections connections = NodeConnections.AsAdministrator(options);

    /// <summary>
    /// Backs up each primary of this machine, and starts to archive its WAL where that was not done before; a standby is made ready to go on with
    /// it. Where the coordinator is on this machine, makes a restore point of the cluster, too.
    /// </summary>
    /// <param name="kind">What to copy.</param>
    /// <param name="ct">Cancels the work.</param>
    /// <exception cref="BackupException">A backup failed.</exception>
    public async Task BackUpAsync(BackupKind kind, CancellationToken ct)
    {
        var view = await ClusterView.ReadAsync(options, connections, ct);
        foreach (var server in backups.Servers)
        {
            await ToolFor(server).PrepareAsync(ct);
        }

        foreach (var group in view.Groups)
        {
            if (backups.Servers.FirstOrDefault(server => server.Name == group.Primary.Node.Name) is not { } server)
            {
                continue;
            }

            var tool = ToolFor(server);
            await tool.CreateStanzaAsync(ct);
            var backup = await tool.BackUpAsync(kind, ct);
            report($"{group.Group.Name}: {backup.Kind} backup {backup.Label} of {server.Name}, {backup.DatabaseBytes} bytes, {backup.RepositoryBytes} in the repository");
        }

        if (backups.Servers.Any(server => server.Name == view.Groups[0].Primary.Node.Name))
        {
            await MakeRestorePointAsync("backup", ct);
        }
    }

    /// <summary>Makes a point that the whole cluster can be restored to, and waits until it is in the archive.</summary>
    /// <param name="label">What its name begins with: a letter, then letters, digits, - and _, at most 43.</param>
    /// <param name="ct">Cancels the work.</param>
    /// <returns>The point's name.</returns>
    /// <exception cref="BackupException">A node does not archive, or writes did not pause.</exception>
    public async Task<string> MakeRestorePointAsync(string label, CancellationToken ct)
    {
        var cluster = await DatabaseCluster.ResolveAsync(options, ct);
        await using var coordinator = await cluster.OpenCoordinatorAsync(ct);
        var engine = await cluster.EngineAsync(coordinator, ct);
        var workers = new List<NpgsqlConnection>();
        try
        {
            foreach (var worker in cluster.Options.Workers)
            {
                workers.Add(await connections.OpenAsync(worker, DatabaseOptions.DatabaseName, ct));
            }

            var point = await ClusterRestorePoint.CreateAsync(coordinator, engine.Kind, workers, label, ct);
            await Task.WhenAll(workers.Prepend(coordinator).Zip(
                cluster.Options.Workers.Prepend(cluster.Options.Coordinator), (node, address) => WalArchiver.ArchiveAsync(node, address.Name, ArchiveDeadline, ct)));
            report($"restore point {point.Name}");
            return point.Name;
        }
        finally
        {
            foreach (var worker in workers)
            {
                await worker.DisposeAsync();
            }
        }
    }

    /// <summary>Lists the backups of this machine's groups.</summary>
    /// <param name="ct">Cancels the work.</param>
    public async Task<IReadOnlyList<GroupBackups>> ListAsync(CancellationToken ct)
    {
        var lists = new List<GroupBackups>();
        foreach (var (group, server) in HomesOrStandbys())
        {
            lists.Add(new GroupBackups(group.Name, await ToolFor(server).ListAsync(ct)));
        }

        return lists;
    }

    /// <summary>Reads every backup and all WAL of this machine's groups, and compares checksums.</summary>
    /// <param name="ct">Cancels the work.</param>
    /// <exception cref="BackupException">Something is damaged or missing; the message names it.</exception>
    public async Task VerifyAsync(CancellationToken ct)
    {
        foreach (var (group, server) in HomesOrStandbys())
        {
            var verified = await ToolFor(server).VerifyAsync(ct);
            report($"{group.Name}: {verified.Backups} backups with {verified.Files} files, {verified.WalSegments} WAL segments: all are whole");
        }
    }

    /// <summary>
    /// Restores this machine's servers, which must be stopped, and lets each recover; what was there is moved aside. Each server is the primary of
    /// its group then; its standby must be re-cloned, which <c>db join</c> does. Done on every machine, then the servers are started, then
    /// <c>db migrate</c>.
    /// </summary>
    /// <param name="target">What to bring back.</param>
    /// <param name="ct">Cancels the work; the folders are useless then.</param>
    /// <exception cref="BackupException">No backup leads to the target, or a server runs.</exception>
    public async Task RestoreAsync(RestoreTarget target, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(target);
        foreach (var server in backups.Servers.Where(server => ServerRestore.IsRunning(server)))
        {
            throw new BackupException($"'{server.Name}' runs. Stop all gateways, backends and database servers of the cluster first, standbys last.");
        }

        foreach (var server in backups.Servers)
        {
            var group = GroupOf(server);
            var restore = new ServerRestore(ToolFor(server), Secrets, server, new ServerFiles(server.DataDirectory, backups.BinDirectory), connections, time, report);
            if (server.Name == group.Home.Name)
            {
                await restore.RunAsync(target, options.Groups, ct);
            }
            else
            {
                restore.MoveAside();
            }
        }
    }

    private BackupSecrets Secrets => new(backups.Passphrase, connections.Password);

    private IEnumerable<(DatabaseGroup Group, ServerOnThisMachine Server)> HomesOrStandbys() =>
        backups.Servers.Select(server => (Group: GroupOf(server), Server: server)).GroupBy(pair => pair.Group.Name).Select(pairs => pairs.First());

    private DatabaseGroup GroupOf(ServerOnThisMachine server) =>
        options.GroupOf(server.Name)
        ?? throw new DatabaseSetupException($"Database:Servers names '{server.Name}', which is in no group of Database:Coordinator, Database:Nodes and Database:Standbys.");

    private PgBackRest ToolFor(ServerOnThisMachine server)
    {
        var group = GroupOf(server);
        return new PgBackRest(
            new PgBackRestConfiguration
            {
                Stanza = group.Name,
                HomeDirectory = server.HomeDirectory,
                DataDirectory = server.DataDirectory,
                SocketDirectory = server.SocketDirectory ?? server.HomeDirectory,
                Port = group.Members.First(member => member.Name == server.Name).Port,
                Repository = backups.Repository,
                User = connections.Username,
                FullBackups = backups.FullBackups,
                DifferentialBackups = backups.DifferentialBackups,
            },
            Secrets,
            time);
    }
}
