using DineHub.Database.Cluster;
using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Replication;

/// <summary>What the operator vouches for.</summary>
/// <param name="Lost">The old primary, which does not answer, is switched off or cut off for good: it takes no writes.</param>
/// <param name="AcceptLoss">Commits that only the old primary has may be lost.</param>
public sealed record PromotionConsent(bool Lost, bool AcceptLoss);

/// <summary>
/// Makes a group's standby its primary: fences the old primary, promotes, repoints the cluster. The old server becomes the new one's standby
/// when it starts again (<see cref="NodeJoin"/>).
/// </summary>
/// <param name="options">The cluster, with the addresses of the topology.</param>
/// <param name="time">The clock.</param>
/// <param name="report">Is told of the steps, one line each.</param>
public sealed class Promotion(DatabaseOptions options, TimeProvider time, Action<string> report)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly NodeConnections connections = NodeConnections.AsAdministrator(options);

    /// <summary>Promotes.</summary>
    /// <param name="name">The group, whose standby is promoted whichever server that is now; or the very server to promote.</param>
    /// <param name="consent">What the operator vouches for.</param>
    /// <param name="ct">Cancels the work; what was done stays, and the same again goes on from there.</param>
    /// <returns>The new primary.</returns>
    /// <exception cref="DatabaseSetupException">It can't be done, or not without loss; the message says what to do. Nothing was changed then, unless it says so.</exception>
    public async Task<DatabaseNode> PromoteAsync(string name, PromotionConsent consent, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(consent);
        var (view, group) = await LookAsync(name, ct);
        for (var clock = time.GetTimestamp();
            ((group.Primary.State == ServerState.Silent && !consent.Lost) || group.Standby?.State == ServerState.Silent) && time.GetElapsedTime(clock) < Patience;)
        {
            // It may be starting: then it soon is a primary that can be fenced, or a standby that can be promoted. Or its machine is busy.
            await Task.Delay(Pause, time, ct);
            (view, group) = await LookAsync(name, ct);
        }

        if (group.Standby is not { } standby)
        {
            throw new DatabaseSetupException($"'{name}' has no standby.");
        }

        // A promotion that was interrupted is finished: its server is known as the primary, and is none yet.
        var (old, next) = group.Primary.State == ServerState.Standby ? (standby, group.Primary) : (group.Primary, standby);
        if (name == old.Node.Name && name != group.Group.Name)
        {
            throw new DatabaseSetupException($"'{name}' is the primary of '{group.Group.Name}' already.");
        }

        if (next.State != ServerState.Standby)
        {
            throw new DatabaseSetupException($"'{next.Node.Name}' cannot be promoted: it is {next.State} ({next.Problem ?? "two servers are primaries"}).");
        }

        await TakeOverAsync(view, group, old, next, consent, ct);
        return next.Node;
    }

    private async Task<(ClusterView View, GroupView Group)> LookAsync(string name, CancellationToken ct)
    {
        var view = await ClusterView.ReadAsync(options, connections, ct);
        var group = view.Groups.FirstOrDefault(candidate => candidate.Group.Members.Any(member => member.Name == name))
            ?? throw new DatabaseSetupException($"There is no node '{name}'; the groups are {string.Join(", ", view.Groups.Select(one => one.Group.Name))}.");
        return (view, group);
    }

    private async Task TakeOverAsync(ClusterView view, GroupView group, NodeProbe old, NodeProbe next, PromotionConsent consent, CancellationToken ct)
    {
        var known = group.Record ?? new PrimaryRecord(group.Group.Name, old.Node.Name, Generation: 1, InSync: false, time.GetUtcNow());
        if (old.State == ServerState.Primary)
        {
            await FenceAsync(old.Node, next.Node, consent, ct);
        }
        else
        {
            RefuseUnlessSafe(known, old, consent);
        }

        // From here on the old primary does not start as one: every other primary, and its standby, knows better. Whether the new one has every
        // commit is as before, until it takes some itself.
        var complete = known.InSync || (old.State == ServerState.Primary && !consent.AcceptLoss);
        var record = new PrimaryRecord(known.Group, next.Node.Name, known.Generation + 1, complete, time.GetUtcNow());
        var witnesses = view.Groups.Where(other => other != group && other.Primary.State == ServerState.Primary).Select(other => other.Primary.Node).ToList();
        if (await TellAsync(witnesses, record, ct) == 0)
        {
            throw new DatabaseSetupException("No other primary of the cluster responds, so the promotion would be recorded nowhere and the old primary could come back as a second one. Start another group's primary first.");
        }

        await using var primary = await PromoteServerAsync(next.Node, old.Node, record, ct);
        await TellAsync(witnesses, record with { InSync = false, ChangedAt = time.GetUtcNow() }, ct);
        try
        {
            await RepointAsync(group, view, next.Node, primary, ct);
        }
        catch (NpgsqlException e)
        {
            throw new DatabaseSetupException($"'{next.Node.Name}' is promoted, but the cluster does not point at it yet ({e.Message}): run 'db migrate' to repoint it.");
        }

        if (await NodeProbe.AskAsync(connections, old.Node, ct) is { State: ServerState.Primary })
        {
            // It was started between the two looks.
            report($"{old.Node.Name} is back and is fenced");
            await using var late = await connections.OpenAsync(old.Node, DatabaseOptions.DatabaseName, ct);
            await Fence.ApplyAsync(late, ct);
        }

        report($"{next.Node.Name} is the primary of {group.Group.Name}, generation {record.Generation}. Commits do not wait for a standby until {old.Node.Name} has come back as one.");
    }

    private async Task FenceAsync(DatabaseNode old, DatabaseNode next, PromotionConsent consent, CancellationToken ct)
    {
        await using (var primary = await connections.OpenAsync(old, DatabaseOptions.DatabaseName, ct))
        {
            var lag = await ReplicationLag.ReadAsync(primary, next.Name, ct);
            if (!lag.IsStreaming && !consent.AcceptLoss)
            {
                throw new DatabaseSetupException(
                    $"'{next.Name}' does not stream from '{old.Name}', which works: it lacks {lag.Bytes?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "an unknown number of"} bytes. "
                    + "Start the standby and wait until 'db status' shows it in sync; or give up what it lacks: --accept-loss.");
            }

            report($"{old.Name} is up: it is fenced, shut down, and sends the remaining {lag.Bytes ?? 0} bytes to {next.Name}");
            try
            {
                await Fence.ApplyAsync(primary, ct);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ExternalRoutineException)
            {
                throw new DatabaseSetupException($"'{old.Name}' could not be fenced and continues unchanged; see its log. Stop its server, then run this again.");
            }
        }

        var clock = time.GetTimestamp();
        while ((await NodeProbe.AskAsync(connections, old, ct)).State == ServerState.Primary)
        {
            if (time.GetElapsedTime(clock) > Deadline)
            {
                throw new DatabaseSetupException($"'{old.Name}' does not shut down. It is fenced, and will not start as a primary again: stop it, then run this again.");
            }

            await Task.Delay(Pause, time, ct);
        }
    }

    private static void RefuseUnlessSafe(PrimaryRecord known, NodeProbe old, PromotionConsent consent)
    {
        if (old.State == ServerState.Silent && !consent.Lost)
        {
            throw new DatabaseSetupException(
                $"'{old.Node.Name}' does not answer, and may still take writes ({old.Problem}). Switch its machine off, or cut it off; then run this again with --lost.");
        }

        if (!known.InSync && !consent.AcceptLoss)
        {
            throw new DatabaseSetupException(
                $"Commits of '{known.Group}' did not wait for its standby when '{old.Node.Name}' was last heard of (since {known.ChangedAt:u}): the newest ones may be on its disk alone. "
                + $"Bring '{old.Node.Name}' back; or give those up: --accept-loss.");
        }
    }

    /// <summary>Writes the record to all that answer.</summary>
    /// <returns>How many have it.</returns>
    private async Task<int> TellAsync(List<DatabaseNode> witnesses, PrimaryRecord record, CancellationToken ct)
    {
        var told = 0;
        foreach (var witness in witnesses)
        {
            try
            {
                await using var connection = await connections.OpenAsync(witness, DatabaseOptions.DatabaseName, ct);
                told += await PrimaryRecords.WriteAsync(connection, record, ct) ? 1 : 0;
            }
            catch (NpgsqlException e)
            {
                report($"{witness.Name} could not record it: {e.Message}");
            }
        }

        return told;
    }

    private async Task<NpgsqlConnection> PromoteServerAsync(DatabaseNode next, DatabaseNode old, PrimaryRecord record, CancellationToken ct)
    {
        var connection = await connections.OpenAsync(next, DatabaseOptions.DatabaseName, ct);
        try
        {
            // Its settings are a copy of the old primary's, which waited for this very server.
            await connection.ExecuteAsync("ALTER SYSTEM SET synchronous_standby_names = ''", ct);
            await connection.ExecuteAsync("SELECT pg_reload_conf()", ct);
            if (!await connection.ScalarAsync<bool>("SELECT pg_promote(true, $1)", ct, (int)Deadline.TotalSeconds))
            {
                throw new DatabaseSetupException($"'{next.Name}' was not promoted within {Deadline.TotalSeconds} s; see its log. The old primary stays fenced: run this again.");
            }

            await PrimaryRecords.WriteAsync(connection, record with { InSync = false, ChangedAt = time.GetUtcNow() }, ct);

            // Keeps the WAL that the old server needs to follow; and the checkpoint tells pg_rewind of the new timeline.
            await ReplicationSlot.EnsureAsync(connection, old.Name, ct);
            await connection.ExecuteAsync("CHECKPOINT", ct);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private async Task RepointAsync(GroupView group, ClusterView view, DatabaseNode next, NpgsqlConnection primary, CancellationToken ct)
    {
        var coordinator = view.Groups[0];
        if (group != coordinator && coordinator.Primary.State != ServerState.Primary)
        {
            report($"The coordinator ({coordinator.Primary.Node.Name}) does not answer: run 'db migrate' when it does, or promote its standby; either repoints the cluster.");
            return;
        }

        var cluster = new DatabaseCluster(view.Resolve(options));
        var address = group.Group.Home with { Host = next.Host, Port = next.Port, Peer = next.Peer };
        if (group == coordinator)
        {
            await RepointAllAsync(cluster, primary, view, address, ct);
            return;
        }

        await using var connection = await cluster.OpenCoordinatorAsync(ct);
        await (await cluster.EngineAsync(connection, ct)).RepointAsync(connection, address, ct);
    }

    // What was promoted while there was no coordinator is caught up with.
    private static async Task RepointAllAsync(DatabaseCluster cluster, NpgsqlConnection coordinator, ClusterView view, DatabaseNode address, CancellationToken ct)
    {
        var engine = await cluster.EngineAsync(coordinator, ct);
        await engine.RepointAsync(coordinator, address, ct);
        foreach (var worker in view.Groups.Skip(1).Where(worker => worker.Primary.State == ServerState.Primary))
        {
            await engine.RepointAsync(coordinator, worker.Address, ct);
        }
    }
}
