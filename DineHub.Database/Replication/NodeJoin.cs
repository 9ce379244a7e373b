using System.Globalization;
using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using DineHub.Database.Roles;
using DineHub.Database.Servers;
using DineHub.Database.Tools;

namespace DineHub.Database.Replication;

/// <summary>The role that a server starts in.</summary>
public enum JoinResult
{
    /// <summary>The primary, as before.</summary>
    Primary,

    /// <summary>A standby of its group's current or next primary.</summary>
    Standby,

    /// <summary>A new server, to be created by <c>initdb</c>: neither this server nor its partner has data.</summary>
    New,
}

/// <summary>
/// Prepares a server's data directory before it starts: makes sure that a server that was a primary does not come back as a second one. The decision is
/// <see cref="JoinDecision"/>'s; a server that must follow another one is rewound (pg_rewind) where that works, and copied (pg_basebackup) where it does not.
/// Signs in as <see cref="DatabaseRoles.Replication"/> where the server has a partner.
/// </summary>
public sealed class NodeJoin
{
    /// <summary>A note in the data folder of a server that was restored from a backup: it starts as a primary, once, without asking anybody.</summary>
    internal const string RestoredFile = "dinehub.restored";

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly string[] Settings = ["primary_conninfo", "primary_slot_name", "synchronous_standby_names"];

    private readonly DatabaseOptions options;
    private readonly DatabaseGroup group;
    private readonly string name;
    private readonly ServerFiles files;
    private readonly Action<string> report;
    private readonly ServerTool tool;
    private readonly Peer? peer;
    private bool isOfOtherVersion;
    private int? programVersion;

    /// <summary>Prepares a server of a cluster.</summary>
    /// <param name="options">The cluster.</param>
    /// <param name="group">The server's group, which may have no standby.</param>
    /// <param name="name">The server's name.</param>
    /// <param name="files">The server's files.</param>
    /// <param name="report">Receives what happens, a line each.</param>
    /// <exception cref="DatabaseSetupException">The server has a partner, and <c>Database:ReplicationPassword</c> is missing.</exception>
    public NodeJoin(DatabaseOptions options, DatabaseGroup group, string name, ServerFiles files, Action<string> report)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(files);
        (this.options, this.group, this.name, this.files, this.report) = (options, group, name, files, report);
        tool = new ServerTool(files.Parent);
        peer = group.PartnerOf(name) is not { } partner ? null : new Peer(
            partner,
            NodeConnections.As(options, DatabaseRoles.Replication) ?? throw new DatabaseSetupException("Database:ReplicationPassword is required for this."));
    }

    private string PasswordFile => files.DataDirectory + ".pgpass";

    /// <summary>
    /// Prepares the server's files. Ends a server of an earlier run that still uses them, and waits for as long as it cannot be known what the server is to
    /// be.
    /// </summary>
    /// <param name="force">Whether to start a former primary although no other node answers: the operator knows that none was promoted.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <returns>What it is to start as.</returns>
    /// <exception cref="ToolException">A base backup failed.</exception>
    /// <exception cref="DataDirectoryException">The disk is full, or the server's user cannot reach the data folder.</exception>
    /// <exception cref="DatabaseSetupException">A server of an earlier run does not end, or the data is of another major version of PostgreSQL.</exception>
    public async Task<JoinResult> RunAsync(bool force, CancellationToken ct)
    {
        try
        {
            await new LeftoverServer(files, tool, report).StopAsync(ct);
            var decision = await DecideAsync(force, ct);
            var result = await ApplyAsync(decision.Action, decision.Reason, ct);
            report($"{name} starts as {result}: {decision.Reason}");
            return result;
        }
        catch (Exception e) when (DataDirectoryException.From(e, files.DataDirectory) is { } known)
        {
            throw known;
        }
    }

    private async Task<JoinDecision> DecideAsync(bool force, CancellationToken ct)
    {
        var reported = "";
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            var decision = JoinDecision.Of(await ObserveAsync(force, ct));
            if (decision.Action != JoinAction.Wait)
            {
                return decision;
            }

            if (decision.Reason != reported)
            {
                report(reported = decision.Reason);
            }

            await Task.Delay(Pause, ct);
        }
    }

    private async Task<JoinObservation> ObserveAsync(bool force, CancellationToken ct)
    {
        var own = new JoinObservation
        {
            Name = name,
            Group = group,
            HasData = files.HasData,
            IsStandby = files.HasData && File.Exists(files["standby.signal"]),
            IsFenced = File.Exists(files[Fence.File]),
            IsRestored = File.Exists(files[RestoredFile]),
            DataVersion = await ServerVersion.OfDataAsync(files, ct),
            ProgramVersion = programVersion ??= await ServerVersion.OfProgramsAsync(files, tool, ct),
            Force = force,
        };
        isOfOtherVersion = own.IsOfOtherVersion;
        if (own.IsRestored || peer is null)
        {
            return own;
        }

        var others = await Task.WhenAll(options.Groups.SelectMany(other => other.Members)
            .Where(node => node.Name != name)
            .Select(node => NodeProbe.AskAsync(peer.Connections, node, ct)));
        return own with
        {
            Partner = others.First(probe => probe.Node.Name == peer.Node.Name),
            Record = PrimaryRecord.Newest(others.SelectMany(other => other.Records).Where(known => known.Group == group.Name)),
        };
    }

    private async Task<JoinResult> ApplyAsync(JoinAction action, string reason, CancellationToken ct)
    {
        switch (action)
        {
            case JoinAction.StartPrimary:
                if (files.HasData)
                {
                    File.Delete(files[RestoredFile]);
                }

                return JoinResult.Primary;
            case JoinAction.StartStandby:
                if (peer is not null)
                {
                    await WritePasswordAsync(peer, ct);
                    await WriteSettingsAsync(peer, ct);
                }

                return JoinResult.Standby;
            case JoinAction.Follow:
                await FollowAsync(peer!, ct);
                return JoinResult.Standby;
            case JoinAction.Initialize:
                return JoinResult.New;
            case JoinAction.Refuse:
                throw new DatabaseSetupException(reason);
            default:
                throw new InvalidOperationException($"{action} is not supported.");
        }
    }

    private async Task FollowAsync(Peer primary, CancellationToken ct)
    {
        await WritePasswordAsync(primary, ct);
        var lost = await PrepareSlotAsync(primary, ct);
        if (!files.HasData || lost || isOfOtherVersion || !(File.Exists(files["standby.signal"]) || await TryRewindAsync(primary, ct)))
        {
            await CopyAsync(primary, ct);
        }

        File.Delete(files[Fence.File]);
        await WriteSettingsAsync(primary, ct);
        await tool.WriteAsync(files["standby.signal"], "", ct);
    }

    private Task WritePasswordAsync(Peer partner, CancellationToken ct) =>
        tool.WriteAsync(PasswordFile, $"*:*:*:{DatabaseRoles.Replication}:{Escape(partner.Connections.Password!)}\n", ct);

    /// <summary>Makes the slot that keeps this server's WAL on the primary; tells whether the WAL that it needs has been lost.</summary>
    private async Task<bool> PrepareSlotAsync(Peer partner, CancellationToken ct)
    {
        var slot = ReplicationSlot.Of(name);
        await using var primary = await partner.Connections.OpenAsync(partner.Node, DatabaseOptions.DatabaseName, ct);
        var lost = await primary.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1 AND wal_status = 'lost')", ct, slot);
        if (lost)
        {
            report($"{partner.Node.Name} has removed WAL that {name} needs: {name} is cloned again");
            await primary.ExecuteAsync("SELECT pg_drop_replication_slot($1)", ct, slot);
        }

        await ReplicationSlot.EnsureAsync(primary, name, ct);
        return lost;
    }

    // Recovers a server that has crashed first, and does nothing where the histories do not part: then it catches up by streaming.
    private async Task<bool> TryRewindAsync(Peer primary, CancellationToken ct)
    {
        try
        {
            var output = await tool.RunAsync(
                files.Program("pg_rewind"),
                ["--target-pgdata", files.DataDirectory, "--source-server", ConnectionInfo(primary.Node, $"dbname={DatabaseOptions.DatabaseName}", "dinehub-copy"), "--progress"],
                ct);
            report($"{name} was rewound: {LastLine(output)}");
            return true;
        }
        catch (ToolException e)
        {
            report($"{e.Message}; a base backup is taken");
            return false;
        }
    }

    private async Task CopyAsync(Peer primary, CancellationToken ct)
    {
        // Beside the old data and then in its place: what is there is whole.
        var copy = files.DataDirectory + ".copy";
        ServerFiles.Remove(copy);
        report($"{name} is copied from {primary.Node.Name}");
        await tool.RunAsync(
            files.Program("pg_basebackup"),
            ["--pgdata", copy, "--dbname", ConnectionInfo(primary.Node, "", "dinehub-copy"), "--wal-method=stream", "--checkpoint=fast", "--slot", ReplicationSlot.Of(name)],
            ct);
        ServerFiles.Remove(files.DataDirectory);
        Directory.Move(copy, files.DataDirectory);
    }

    // The file is the one that ALTER SYSTEM writes; the primary's came with its files, and the last line of a name counts.
    private async Task WriteSettingsAsync(Peer primary, CancellationToken ct)
    {
        var path = files["postgresql.auto.conf"];
        var kept = File.Exists(path)
            ? (await File.ReadAllLinesAsync(path, ct)).Where(line => !Array.Exists(Settings, name => line.StartsWith(name, StringComparison.Ordinal)))
            : [];
        string[] lines =
        [
            .. kept,
            $"primary_conninfo = '{ConnectionInfo(primary.Node, "").Replace("'", "''", StringComparison.Ordinal)}'",
            $"primary_slot_name = '{ReplicationSlot.Of(name)}'",
        ];
        await tool.WriteAsync(path, string.Join('\n', lines) + "\n", ct);
    }

    // A copy under way must not go by the server's name: the primary would take it for the standby, and wait for it.
    private string ConnectionInfo(DatabaseNode primary, string more, string? application = null) => string.Create(
        CultureInfo.InvariantCulture,
        $"host={primary.PeerHost} port={primary.PeerPort} user={DatabaseRoles.Replication} passfile='{PasswordFile}' application_name={application ?? name} connect_timeout=5 keepalives_idle=5 keepalives_interval=2 keepalives_count=2 tcp_user_timeout=5000 {options.NodeConnectionInfo} {more}").TrimEnd();

    private static string Escape(string password) => password.Replace(@"\", @"\\", StringComparison.Ordinal).Replace(":", @"\:", StringComparison.Ordinal);

    private static string LastLine(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? "done";

    private sealed record Peer(DatabaseNode Node, NodeConnections Connections);
}
