using System.Text;
using DineHub.Database.Backups;

namespace DineHub.Tests.Database.Backups;

/// <summary>pgBackRest with real servers: what was before is there again, what came after is not.</summary>
public sealed class BackupTests
{
    private const string Marker = "a-marker-of-this-test-only";

    [RequiresProgramFact("pgbackrest", "pgbackrest")]
    public async Task A_time_is_restored_and_what_came_after_can_be_had_back()
    {
        await using var server = await BackupServer.StartNewAsync();
        await server.WriteAsync("a");

        // There is no full backup yet.
        (await server.BackUpAsync(BackupKind.Differential)).Kind.ShouldBe(BackupKind.Full);
        var afterB = await server.WriteAsync("b");
        (await server.BackUpAsync(BackupKind.Differential)).Kind.ShouldBe(BackupKind.Differential);
        var afterC = await server.WriteAsync("c");
        var afterD = await server.WriteAsync("d");
        await server.WriteAsync("e");

        // Before the differential backup: the full one leads there.
        var restored = await server.RestoreAsync(RestoreTarget.At(afterB));
        (restored.Backup.Kind, restored.Timeline).ShouldBe((BackupKind.Full, 1u));
        await server.StartAsync();
        (await server.RowsAsync()).ShouldBe(["a", "b"]);

        // Archiving and backups go on on the new timeline.
        var afterF = await server.WriteAsync("f");
        await server.BackRest.CheckAsync(CancellationToken.None);
        await server.BackUpAsync(BackupKind.Differential);
        await server.WriteAsync("g");
        await server.ArchiveAsync();

        // That was too early. The time before the restore is on the timeline that it left.
        restored = await server.RestoreAsync(RestoreTarget.At(afterC));
        (restored.Backup.Kind, restored.Timeline).ShouldBe((BackupKind.Differential, 1u));
        await server.StartAsync();
        (await server.RowsAsync()).ShouldBe(["a", "b", "c"]);
        await server.WriteAsync("h");

        // And the time after it on the one that it made, though there is a third now.
        (await server.RestoreAsync(RestoreTarget.At(afterF))).Timeline.ShouldBe(2u);
        await server.StartAsync();
        (await server.RowsAsync()).ShouldBe(["a", "b", "f"]);

        (await server.RestoreAsync(RestoreTarget.At(afterD))).Timeline.ShouldBe(1u);
        await server.StartAsync();
        (await server.RowsAsync()).ShouldBe(["a", "b", "c", "d"]);

        (await server.RestoreAsync(RestoreTarget.Latest)).Timeline.ShouldBe(5u);
        await server.StartAsync();
        (await server.RowsAsync()).ShouldBe(["a", "b", "c", "d"]);
        await server.BackUpAsync(BackupKind.Full);
        (await server.BackRest.VerifyAsync(CancellationToken.None)).Backups.ShouldBe(4);
    }

    [RequiresProgramFact("pgbackrest", "pgbackrest")]
    public async Task A_named_point_is_restored()
    {
        await using var server = await BackupServer.StartNewAsync();
        await server.BackUpAsync(BackupKind.Full);
        await server.WriteAsync("a");
        var point = RestoreTarget.PointAt("before-import", await server.WriteAsync("b"));
        foreach (var name in new[] { "without-a-time", point.Name! })
        {
            await server.ScalarAsync<string>("SELECT pg_create_restore_point($1)::text", name);
        }

        await server.WriteAsync("c");
        await server.BackUpAsync(BackupKind.Full);
        await server.WriteAsync("d");

        foreach (var target in new[] { RestoreTarget.Parse(point.ToString()), RestoreTarget.Point("without-a-time") })
        {
            var restored = await server.RestoreAsync(target);
            restored.Backup.Label.ShouldBe((await server.BackRest.ListAsync(CancellationToken.None)).Backups[0].Label);
            await server.StartAsync();
            (await server.RowsAsync()).ShouldBe(["a", "b"]);
            await server.WriteAsync("e");
        }
    }

    [RequiresProgramFact("pgbackrest", "pgbackrest")]
    public async Task A_time_after_the_last_commit_is_the_end_of_the_archive()
    {
        await using var server = await BackupServer.StartNewAsync();
        var full = await server.BackUpAsync(BackupKind.Full);
        await server.WriteAsync("a");
        var target = RestoreTarget.At(await server.WriteAsync("b"));

        // A server that stops in order archives all it has.
        var restored = await server.RestoreAsync(target);
        (await server.TryStartAsync()).ShouldBeFalse();
        server.Log.ShouldContain(line => PgBackRest.EndedBeforeTarget(line));
        await server.BackRest.RecoverToEndAsync(restored, server.DataDirectory, CancellationToken.None);
        await server.StartAsync();
        (await server.RowsAsync()).ShouldBe(["a", "b"]);
        await Should.ThrowAsync<BackupException>(() => server.BackRest.RecoverToEndAsync(restored, server.DataDirectory, CancellationToken.None));

        // No point of that name: there is no end of the archive that would be it.
        restored = await server.RestoreAsync(RestoreTarget.Point("unknown-point"));
        (await server.TryStartAsync()).ShouldBeFalse();
        server.Log.ShouldContain(line => PgBackRest.EndedBeforeTarget(line));
        await Should.ThrowAsync<BackupException>(() => server.BackRest.RecoverToEndAsync(restored, server.DataDirectory, CancellationToken.None));

        // Nothing leads to a time before the first backup, or to one that is still to come; and nothing is restored over other data.
        (await Should.ThrowAsync<BackupException>(() => server.RestoreAsync(RestoreTarget.At(full.Start)))).Message.ShouldContain("the oldest ended at");
        await Should.ThrowAsync<BackupException>(
            () => server.BackRest.RestoreAsync(RestoreTarget.At(DateTimeOffset.UtcNow.AddDays(1)), server.DataDirectory, CancellationToken.None));
        await Should.ThrowAsync<BackupException>(() => server.BackRest.RestoreAsync(target, server.Home, CancellationToken.None));
    }

    [RequiresProgramFact("pgbackrest", "pgbackrest")]
    public async Task The_repository_is_encrypted_and_unreadable_with_another_passphrase()
    {
        await using var server = await BackupServer.StartNewAsync();
        await server.WriteAsync(Marker);
        await server.BackUpAsync(BackupKind.Full);
        await server.WriteAsync(Marker);
        await server.ArchiveAsync();

        var uncompressed = new PgBackRest(server.BackRest.Configuration with { Compression = "none" }, server.Secrets, TimeProvider.System);
        await uncompressed.PrepareAsync(CancellationToken.None);
        await uncompressed.BackUpAsync(BackupKind.Full, CancellationToken.None);
        await server.WriteAsync(Marker);
        await server.ArchiveAsync();

        FilesWith(server.DataDirectory, Marker).ShouldNotBeEmpty();
        FilesWith(server.Repository, Marker).ShouldBeEmpty();
        var tools = server.BackRest.Configuration.ToolDirectory;
        foreach (var secret in server.Secrets.ToolEnvironment.Values)
        {
            FilesWith(tools, secret).ShouldBeEmpty();
        }

        Directory.EnumerateFiles(tools, "*", SearchOption.AllDirectories).ShouldContain(file => file.EndsWith(".log", StringComparison.Ordinal));
        var stranger = new PgBackRest(server.BackRest.Configuration, new BackupSecrets("another", password: null), TimeProvider.System);
        (await Should.ThrowAsync<BackupException>(() => stranger.ListAsync(CancellationToken.None))).Message.ShouldContain("passphrase");
    }

    [RequiresProgramFact("pgbackrest", "pgbackrest")]
    public async Task Verification_finds_what_is_damaged_or_missing()
    {
        await using var server = await BackupServer.StartNewAsync();
        (await Should.ThrowAsync<BackupException>(() => server.BackRest.VerifyAsync(CancellationToken.None))).Message.ShouldContain("no backup");
        var backup = await server.BackUpAsync(BackupKind.Full);
        for (var i = 0; i < 3; i++)
        {
            await server.WriteAsync("a");
            await server.ArchiveAsync();
        }

        var whole = await server.BackRest.VerifyAsync(CancellationToken.None);
        whole.Backups.ShouldBe(1);
        whole.Files.ShouldBeGreaterThan(100);
        whole.WalSegments.ShouldBeGreaterThan(3);

        var folder = Path.Combine(server.Repository, "backup", "db-worker-1", backup.Label);
        var file = Directory.GetFiles(Path.Combine(folder, "pg_data", "base", "1")).Order(StringComparer.Ordinal).First();
        await WithAsync([file], Flip, server, backup.Label);
        await WithAsync([file], File.Delete, server, backup.Label);
        await WithAsync(Directory.GetFiles(folder, "backup.manifest*"), File.Delete, server, backup.Label);

        var wal = Directory.GetFiles(Path.Combine(server.Repository, "archive", "db-worker-1"), "0*-*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList();
        await WithAsync([wal[^1]], Flip, server, "damaged");
        await WithAsync([wal[^2]], File.Delete, server, Path.GetFileName(wal[^2])[..24]);
        await WithAsync([wal.Single(path => Path.GetFileName(path).StartsWith(backup.LastWal, StringComparison.Ordinal))], File.Delete, server, backup.LastWal);

        // Nor does a restore go past a gap without a word.
        File.Delete(wal[^2]);
        (await Should.ThrowAsync<BackupException>(() => server.RestoreAsync(RestoreTarget.Latest))).Message.ShouldContain(Path.GetFileName(wal[^2])[..24]);
        var restored = await server.BackRest.RestoreAsync(RestoreTarget.At(DateTimeOffset.UtcNow), server.DataDirectory, CancellationToken.None);
        (await server.TryStartAsync()).ShouldBeFalse();
        (await Should.ThrowAsync<BackupException>(() => server.BackRest.RecoverToEndAsync(restored, server.DataDirectory, CancellationToken.None)))
            .Message.ShouldContain(Path.GetFileName(wal[^2])[..24]);
    }

    [RequiresProgramFact("pgbackrest", "pgbackrest")]
    public async Task Retention_lets_go_of_old_full_backups()
    {
        await using var server = await BackupServer.StartNewAsync(fullBackups: 1);
        var first = await server.BackUpAsync(BackupKind.Full);
        var differential = await server.BackUpAsync(BackupKind.Differential);
        var before = await server.BackRest.ListAsync(CancellationToken.None);
        before.Backups.ShouldBe([first, differential]);
        first.DatabaseBytes.ShouldBeGreaterThan(first.RepositoryBytes);
        first.RepositoryBytes.ShouldBeGreaterThan(0);
        first.HasErrors.ShouldBeFalse();
        first.Stop.ShouldBeGreaterThanOrEqualTo(first.Start);

        await server.WriteAsync("a");
        var second = await server.BackUpAsync(BackupKind.Full);
        await server.BackRest.ExpireAsync(CancellationToken.None);
        var after = await server.BackRest.ListAsync(CancellationToken.None);
        after.Backups.ShouldBe([second]);
        after.Wal.ShouldHaveSingleItem().FirstWal.ShouldBe(second.FirstWal);
        string.CompareOrdinal(before.Wal[0].FirstWal, second.FirstWal).ShouldBeLessThan(0);
    }

    [RequiresProgramFact("pgbackrest", "pgbackrest")]
    public async Task A_re_created_server_continues_in_the_same_stanza()
    {
        await using var server = await BackupServer.StartNewAsync();
        await server.BackRest.CreateStanzaAsync(CancellationToken.None);
        await server.WriteAsync("old");
        await server.BackUpAsync(BackupKind.Full);
        var old = await server.WriteAsync("older");
        await server.WriteAsync("oldest");

        await server.StopAsync();
        Directory.Delete(server.DataDirectory, recursive: true);
        await server.InitializeAsync();
        await server.StartAsync();
        await server.BackRest.CreateStanzaAsync(CancellationToken.None);
        await server.WriteAsync("new");
        (await server.BackUpAsync(BackupKind.Differential)).DatabaseId.ShouldBe(2);
        (await server.BackRest.VerifyAsync(CancellationToken.None)).Backups.ShouldBe(2);

        // The time before is that of the other database.
        (await server.RestoreAsync(RestoreTarget.At(old))).Backup.DatabaseId.ShouldBe(1);
        await server.StartAsync();
        (await server.RowsAsync()).ShouldBe(["old", "older"]);
        await server.BackRest.CreateStanzaAsync(CancellationToken.None);
        await server.BackRest.CheckAsync(CancellationToken.None);
    }

    [RequiresProgramFact("pgbackrest", "pgbackrest")]
    public async Task A_server_that_cannot_archive_says_so()
    {
        await using var server = await BackupServer.StartNewAsync();
        Directory.Move(server.Repository, server.Repository + ".away");
        await using var connection = await server.OpenAsync();
        await server.WriteAsync("a");
        (await Should.ThrowAsync<BackupException>(() => WalArchiver.ArchiveAsync(connection, "db-worker-1", TimeSpan.FromSeconds(2), CancellationToken.None)))
            .Message.ShouldContain("has not archived");

        // After the third failure the archiver sleeps.
        await Eventually.TrueAsync(async () => await server.ScalarAsync<long>("SELECT failed_count FROM pg_stat_archiver") >= 3, "three failures");
        Directory.Move(server.Repository + ".away", server.Repository);

        // Twice: the second time nothing was written since.
        await server.ArchiveAsync();
        await server.ArchiveAsync();
    }

    private static async Task WithAsync(string[] files, Action<string> damage, BackupServer server, string expected)
    {
        var contents = files.ToDictionary(file => file, File.ReadAllBytes);
        contents.ShouldNotBeEmpty();
        foreach (var file in files)
        {
            damage(file);
        }

        (await Should.ThrowAsync<BackupException>(() => server.BackRest.VerifyAsync(CancellationToken.None))).Message.ShouldContain(expected);
        foreach (var (file, content) in contents)
        {
            await File.WriteAllBytesAsync(file, content);
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }

        await server.BackRest.VerifyAsync(CancellationToken.None);
    }

    private static void Flip(string file)
    {
        var content = File.ReadAllBytes(file);
        content[content.Length / 2] ^= 0xFF;
        File.WriteAllBytes(file, content);
    }

    private static List<string> FilesWith(string directory, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return [.. Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Where(file => File.ReadAllBytes(file).AsSpan().IndexOf(bytes) >= 0)];
    }
}
