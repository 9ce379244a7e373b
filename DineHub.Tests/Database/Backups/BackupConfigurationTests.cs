using DineHub.Database.Backups;

namespace DineHub.Tests.Database.Backups;

public sealed class BackupConfigurationTests
{
    private static readonly PgBackRestConfiguration Local = new()
    {
        Stanza = "db-worker-1",
        HomeDirectory = "/srv/db-worker-1",
        DataDirectory = "/srv/db-worker-1/pgdata",
        SocketDirectory = "/srv/db-worker-1",
        Port = 20001,
        Repository = new DirectoryRepository("/srv/backups"),
    };

    [Fact]
    public void A_local_server_backs_up_to_a_directory() => Local.ToText().ShouldBe(
        """
        [global]
        repo1-type=posix
        repo1-path=/srv/backups
        repo1-cipher-type=aes-256-cbc
        repo1-retention-full=2
        repo1-retention-diff=7
        compress-type=zst
        start-fast=y
        archive-async=n
        log-path=/srv/db-worker-1/pgbackrest/log
        lock-path=/srv/db-worker-1/pgbackrest/lock
        spool-path=/srv/db-worker-1/pgbackrest/spool
        log-level-console=off
        log-level-stderr=warn
        log-level-file=info

        [db-worker-1]
        pg1-path=/srv/db-worker-1/pgdata
        pg1-port=20001
        pg1-socket-path=/srv/db-worker-1
        pg1-user=postgres
        pg1-database=postgres

        """, StringCompareShould.IgnoreLineEndings);

    [Fact]
    public void A_server_in_production_backs_up_to_S3_with_the_role_of_its_instance() =>
        (Local with { Repository = new S3Repository("dinehub-backups", "eu-west-1", "s3.eu-west-1.amazonaws.com", "/production"), FullBackups = 4 }).ToText()
            .ShouldStartWith(
                """
                [global]
                repo1-type=s3
                repo1-path=/production
                repo1-s3-bucket=dinehub-backups
                repo1-s3-region=eu-west-1
                repo1-s3-endpoint=s3.eu-west-1.amazonaws.com
                repo1-s3-key-type=auto
                repo1-cipher-type=aes-256-cbc
                repo1-retention-full=4

                """);

    [Fact]
    public void The_commands_are_quoted_for_the_shell_and_for_PostgreSQL()
    {
        Local.ArchiveCommand.ShouldBe("pgbackrest --config=/srv/db-worker-1/pgbackrest/pgbackrest.conf --stanza=db-worker-1 archive-push \"%p\"");
        (Local with { HomeDirectory = "/srv/o'hara 100%" }).RestoreCommand
            .ShouldBe(@"pgbackrest --config='/srv/o'\''hara 100%%/pgbackrest/pgbackrest.conf' --stanza=db-worker-1 archive-get %f ""%p""");
    }

    [Fact]
    public void What_cannot_be_written_into_the_file_is_refused()
    {
        Should.Throw<ArgumentException>(() => (Local with { DataDirectory = "/srv\nrepo1-cipher-type=none" }).ToText());
        Should.Throw<ArgumentException>(() => (Local with { DataDirectory = "/srv " }).ToText());
        Should.Throw<ArgumentException>(() => (Local with { User = "" }).ToText());
        Should.Throw<ArgumentException>(() => (Local with { Stanza = "a]\n[b" }).ToText());
        Should.Throw<ArgumentException>(() => (Local with { Port = 0 }).ToText());
        Should.Throw<ArgumentException>(() => (Local with { FullBackups = 0 }).ToText());
        Should.Throw<ArgumentException>(() => (Local with { HomeDirectory = "/srv\r" }).ArchiveCommand);
    }
}
