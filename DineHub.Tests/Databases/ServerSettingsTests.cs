using DineHub.AppHost.Databases;

namespace DineHub.Tests.Databases;

/// <summary>The table of server settings, as each place reads it.</summary>
public sealed class ServerSettingsTests
{
    private static readonly ProcessServer Server = new("127.0.0.1", 20001, "/var/lib/dinehub/db-worker-1", "archive \"%p\"", UsesCitus: false);

    [Fact]
    public void A_process_gets_its_own_settings_and_those_of_the_table() => Lines(ServerSettings.ForProcess(Server)).ShouldBe(
    [
        "listen_addresses=127.0.0.1",
        "port=20001",
        "unix_socket_directories=\"/var/lib/dinehub/db-worker-1\"",
        "archive_command=archive \"%p\"",
        "max_connections=200",
        "wal_sender_timeout=5s",
        "wal_receiver_timeout=5s",
        "wal_retrieve_retry_interval=1s",
        "max_slot_wal_keep_size=1GB",
        "password_encryption=scram-sha-256",
        "tcp_keepalives_idle=10",
        "tcp_keepalives_interval=3",
        "tcp_keepalives_count=3",
        "archive_mode=on",
        "archive_timeout=60s",
        "shared_buffers=32MB",
        "log_destination=stderr",
        "logging_collector=off",
        "log_line_prefix=%p %q%u ",
        "log_checkpoints=off",
    ]);

    [Fact]
    public void A_process_with_Citus_has_logical_WAL_and_the_settings_of_Citus_too() =>
        Lines(ServerSettings.ForProcess(Server with { UsesCitus = true })).Except(Lines(ServerSettings.ForProcess(Server))).ShouldBe(
            ["wal_level=logical", "citus.node_connection_timeout=2s", "citus.recover_2pc_interval=2s", "citus.enable_stat_counters=on"]);

    [Fact]
    public void A_container_gets_its_access_rules_and_the_settings_of_the_table() => Lines(ServerSettings.ForContainer("/srv/pg_hba.conf")).ShouldBe(
    [
        "listen_addresses=*",
        "hba_file=/srv/pg_hba.conf",
        "max_connections=200",
        "max_prepared_transactions=200",
        "wal_level=logical",
        "wal_keep_size=256MB",
        "wal_sender_timeout=5s",
        "wal_receiver_timeout=5s",
        "wal_retrieve_retry_interval=1s",
        "max_slot_wal_keep_size=1GB",
        "password_encryption=scram-sha-256",
        "tcp_keepalives_idle=10",
        "tcp_keepalives_interval=3",
        "tcp_keepalives_count=3",
        "citus.node_connection_timeout=2s",
        "citus.recover_2pc_interval=2s",
        "citus.enable_stat_counters=on",
        "shared_buffers=32MB",
        "log_destination=stderr",
        "logging_collector=off",
        "log_line_prefix=%p %q%u ",
        "log_checkpoints=off",
    ]);

    [Theory]
    [InlineData(false, "max_prepared_transactions = '200'\nwal_keep_size = '256MB'\n")]
    [InlineData(true, "max_prepared_transactions = '200'\nwal_level = 'logical'\nwal_keep_size = '256MB'\nshared_preload_libraries = 'citus'\n")]
    public void A_new_server_has_in_its_file_what_pg_rewind_needs(bool usesCitus, string lines) => ServerSettings.AtInitialization(usesCitus).ShouldBe(lines);

    [Theory]
    [InlineData(90, false)]
    [InlineData(91, true)]
    public void The_socket_folder_is_empty_when_its_path_is_over_90_bytes(int bytes, bool empty)
    {
        // Two bytes each, but for the slash, and a letter where the number is even.
        var folder = "/" + (bytes % 2 == 0 ? "a" : "") + new string('ä', (bytes - 1) / 2);
        SocketDirectories(folder).ShouldBe(empty ? "" : $"\"{folder}\"");
    }

    [Fact]
    public void The_socket_folder_is_one_folder_when_its_name_has_commas_and_quotes() => SocketDirectories("/srv/a, \"b\"").ShouldBe("\"/srv/a, \"\"b\"\"\"");

    [Fact]
    public void The_archive_command_quotes_paths_for_the_shell_and_for_PostgreSQL() => ServerSettings.ArchiveCommand("/o'hara 100%/x.conf", "worker").ShouldBe(
        """test ! -e '/o'\''hara 100%%/x.conf' || pgbackrest --config='/o'\''hara 100%%/x.conf' --stanza=worker archive-push "%p""" + "\"");

    [Fact]
    public void Arguments_are_pairs_of_an_option_and_a_setting() =>
        ServerSettings.Arguments([new("port", "5432"), new("log_line_prefix", "%p %q%u ")]).ShouldBe(["-c", "port=5432", "-c", "log_line_prefix=%p %q%u "]);

    [Fact]
    public void Each_place_has_one_value_of_a_setting_and_each_setting_a_reason()
    {
        foreach (var place in Enum.GetValues<ServerPlaces>().Where(place => int.IsPow2((int)place)))
        {
            ServerSettings.Of(place, usesCitus: true).Select(setting => setting.Name).ShouldBeUnique(place.ToString());
        }

        ServerSettings.All.ShouldAllBe(setting => setting.Places != ServerPlaces.None && setting.Why.Length > 0);
    }

    private static IEnumerable<string> Lines(IEnumerable<KeyValuePair<string, string>> settings) =>
        settings.Select(setting => $"{setting.Key}={setting.Value}");

    private static string SocketDirectories(string folder) =>
        ServerSettings.ForProcess(Server with { SocketDirectory = folder }).Single(setting => setting.Key == "unix_socket_directories").Value;
}
