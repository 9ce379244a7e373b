using System.Globalization;
using DineHub.Database.Engines;
using DineHub.Database.Nodes;
using DineHub.Database.Roles;
using DineHub.Database.Tools;

namespace DineHub.Database.Replication;

/// <summary>What a server is to start as.</summary>
public enum JoinResult
{
    /// <summary>As the primary that it was.</summary>
    Primary,

    /// <summary>As a standby of its group's primary, or of whoever becomes that.</summary>
    Standby,

    /// <summary>There is no data, and nobody has any: a new server is to be made (<c>initdb</c>).</summary>
    New,
}

/// <summary>Where a server keeps what, on its own machine.</summary>
/// <param name="DataDirectory">Its data folder, which may not be there yet. The folder around it is the server's user's.</param>
/// <param name="BinDirectory">Where pg_basebackup and pg_rewind are; null for PATH.</param>
public sealed record ServerFiles(string DataDirectory, string? BinDirectory)
{
    /// <summary>A program of PostgreSQL.</summary>
    /// <param name="name">Its name.</param>
    public string Program(string name) => BinDirectory is null ? name : Path.Combine(BinDirectory, name);

    internal string this[string name] => Path.Combine(DataDirectory, name);
}

/// <summary>
/// What happens on a database machine before its server starts: makes sure that a server that was a primary does not come back as a second one.
/// A standby may always start. A former primary starts only when another node of the cluster tells that it still is one; where another has been
/// promoted meanwhile, it becomes that one's standby, by pg_rewind where it can, by a base backup where it can't. Signs in as
/// <see cref="DatabaseRoles.Replication"/>.
/// </summary>
/// <param name="options">The cluster.</param>
/// <param name="group">The server's group.</param>
/// <param name="name">The server's name.</param>
/// <param name="files">Its files.</param>
/// <param name="report">Is told what happens, one line each.</param>
public sealed class NodeJoin(DatabaseOptions options, DatabaseGroup group, string name, ServerFiles files, Action<string> report)
{
    /// <summary>A note in the data folder of a server that was restored from a backup: it starts as a primary, once, without asking anybody.</summary>
    internal const string RestoredFile = "dinehub.restored";

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly string[] Settings = ["primary_conninfo", "primary_slot_name", "synchronous_standby_names"];

    private readonly NodeConnections connections = NodeConnections.As(options, DatabaseRoles.Replication)
        ?? throw new DatabaseSetupException("Database:ReplicationPassword is required for this.");

    private readonly ServerTool tool = new(Path.GetDirectoryName(Path.GetFullPath(files.DataDirectory))!);
    private readonly DatabaseNode partner = group.PartnerOf(name) ?? throw new DatabaseSetupException($"'{name}' has no partner in the group '{group.Name}'.");

    private bool HasData => File.Exists(files["PG_VERSION"]);

    private string PasswordFile => Path.TrimEndingDirectorySeparator(files.DataDirectory) + ".pgpass";

    /// <summary>Makes the server's files ready to start from. Waits for as long as nobody can tell what the server is to be.</summary>
    /// <param name="force">Whether to start a former primary although no other node answers: the operator knows that none was promoted.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <returns>What it is to start as.</returns>
    /// <exception cref="ToolException">A base backup failed.</exception>
    public async Task<JoinResult> RunAsync(bool force, CancellationToken ct)
    {
        var told = "";
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            var (result, reason) = await TryAsync(force, ct);
            if (result is { } known)
            {
                report($"{name} starts as {known}: {reason}");
                return known;
            }

            if (reason != told)
            {
                report(told = reason);
            }

            await Task.Delay(Pause, ct);
        }
    }

    private async Task<(JoinResult? Result, string Reason)> TryAsync(bool force, CancellationToken ct)
    {
        // Everything was restored, and this is the operator's decision.
        if (File.Exists(files[RestoredFile]))
        {
            File.Delete(files[RestoredFile]);
            return (JoinResult.Primary, "it was restored from a backup");
        }

        var others = await Task.WhenAll(options.Groups.SelectMany(other => other.Members)
            .Where(node => node.Name != name)
            .Select(node => NodeProbe.AskAsync(connections, node, ct)));
        var record = PrimaryRecord.Newest(others.SelectMany(other => other.Records).Where(known => known.Group == group.Name));
        var other = others.First(probe => probe.Node.Name == partner.Name);
        var wasStandby = HasData && File.Exists(files["standby.signal"]);
        if (other.State == ServerState.Primary && record?.Node != name)
        {
            await FollowAsync(wasStandby, ct);
            return (JoinResult.Standby, $"{partner.Name} is the primary");
        }

        if (!HasData)
        {
            return (record, name == group.Home.Name) switch
            {
                // A group that has data is known to every primary.
                (null, true) when !other.Answers => (JoinResult.New, $"nobody knows of {group.Name}, and there is no data"),
                _ => (null, $"{name} has no data and waits for {partner.Name} to be the primary that it can be copied from: it is {other.State} ({other.Problem ?? "start or promote it"})"),
            };
        }

        if (wasStandby)
        {
            // The partner may have another address by now; it is looked for until it is there.
            await WritePasswordAsync(ct);
            await WriteSettingsAsync(ct);
            return (JoinResult.Standby, $"it was one; {partner.Name} is {other.State}");
        }

        if (File.Exists(files[Fence.File]) || (record is not null && record.Node != name))
        {
            return (null, $"{name} is no primary any more and waits for {partner.Name}, which is {other.State}, to follow it");
        }

        if (record is not null)
        {
            return (JoinResult.Primary, $"it is known as the primary, generation {record.Generation}");
        }

        if (other.State == ServerState.Standby)
        {
            return (JoinResult.Primary, $"{partner.Name} is a standby");
        }

        return force
            ? (JoinResult.Primary, "it was forced to")
            : (null, $"{name} was the primary and waits for another database node to tell whether it still is; none answers. Start the others, standbys first. "
                + $"If you know that {partner.Name} was never promoted: 'db join --force'.");
    }

    private async Task FollowAsync(bool wasStandby, CancellationToken ct)
    {
        await WritePasswordAsync(ct);
        var lost = await PrepareSlotAsync(ct);
        if (!HasData || lost || !(wasStandby || await TryRewindAsync(ct)))
        {
            await CopyAsync(ct);
        }

        File.Delete(files[Fence.File]);
        await WriteSettingsAsync(ct);
        await tool.WriteAsync(files["standby.signal"], "", ct);
    }

    private Task WritePasswordAsync(CancellationToken ct) =>
        tool.WriteAsync(PasswordFile, $"*:*:*:{DatabaseRoles.Replication}:{Escape(connections.Password!)}\n", ct);

    /// <summary>Makes the slot that keeps this server's WAL on the primary; tells whether the WAL that it needs has been lost.</summary>
    private async Task<bool> PrepareSlotAsync(CancellationToken ct)
    {
        var slot = ReplicationSlot.Of(name);
        await using var primary = await connections.OpenAsync(partner, DatabaseOptions.DatabaseName, ct);
        var lost = await primary.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1 AND wal_status = 'lost')", ct, slot);
        if (lost)
        {
            report($"{partner.Name} has removed WAL that {name} needs: it is built anew");
            await primary.ExecuteAsync("SELECT pg_drop_replication_slot($1)", ct, slot);
        }

        await ReplicationSlot.EnsureAsync(primary, name, ct);
        return lost;
    }

    // Recovers a server that has crashed first, and does nothing where the histories do not part: then it catches up by streaming.
    private async Task<bool> TryRewindAsync(CancellationToken ct)
    {
        try
        {
            var output = await tool.RunAsync(
                files.Program("pg_rewind"),
                ["--target-pgdata", files.DataDirectory, "--source-server", ConnectionInfo($"dbname={DatabaseOptions.DatabaseName}", "dinehub-copy"), "--progress"],
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

    private async Task CopyAsync(CancellationToken ct)
    {
        // Beside the old data and then in its place: what is there is whole.
        var copy = Path.TrimEndingDirectorySeparator(files.DataDirectory) + ".copy";
        Remove(copy);
        report($"{name} is copied from {partner.Name}");
        await tool.RunAsync(
            files.Program("pg_basebackup"),
            ["--pgdata", copy, "--dbname", ConnectionInfo("", "dinehub-copy"), "--wal-method=stream", "--checkpoint=fast", "--slot", ReplicationSlot.Of(name)],
            ct);
        Remove(files.DataDirectory);
        Directory.Move(copy, files.DataDirectory);
    }

    private static void Remove(string directory)
    {
        if (Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    // The file is the one that ALTER SYSTEM writes; the primary's came with its files, and the last line of a name counts.
    private async Task WriteSettingsAsync(CancellationToken ct)
    {
        var path = files["postgresql.auto.conf"];
        var kept = File.Exists(path)
            ? (await File.ReadAllLinesAsync(path, ct)).Where(line => !Array.Exists(Settings, name => line.StartsWith(name, StringComparison.Ordinal)))
            : [];
        string[] lines =
        [
            .. kept,
            $"primary_conninfo = '{ConnectionInfo("").Replace("'", "''", StringComparison.Ordinal)}'",
            $"primary_slot_name = '{ReplicationSlot.Of(name)}'",
        ];
        await tool.WriteAsync(path, string.Join('\n', lines) + "\n", ct);
    }

    // A copy under way must not go by the server's name: the primary would take it for the standby, and wait for it.
    private string ConnectionInfo(string more, string? application = null) => string.Create(
        CultureInfo.InvariantCulture,
        $"host={partner.PeerHost} port={partner.PeerPort} user={DatabaseRoles.Replication} passfile='{PasswordFile}' application_name={application ?? name} connect_timeout=5 keepalives_idle=5 keepalives_interval=2 keepalives_count=2 tcp_user_timeout=5000 {options.NodeConnectionInfo} {more}").TrimEnd();

    private static string Escape(string password) => password.Replace(@"\", @"\\", StringComparison.Ordinal).Replace(":", @"\:", StringComparison.Ordinal);

    private static string LastLine(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? "done";
}
