using System.Text.Json.Nodes;
using DineHub.Tests.Contract;

namespace DineHub.Tests.Publishing;

/// <summary>
/// The settings and access rules of a database machine: postgres-service.nix, evaluated with stand-ins for the few functions of nixpkgs' <c>lib</c> that these
/// need. <c>mkDefault</c> stays visible, as opinions must remain opinions.
/// </summary>
public sealed class PostgresModuleTests
{
    private const string Lib = """
        rec {
          inherit (builtins) concatMap concatStringsSep elem foldl' genList groupBy mapAttrs stringLength;
          importJSON = file: builtins.fromJSON (builtins.readFile file);
          fixedWidthString = width: filler: text: concatStringsSep "" (genList (_: filler) (width - stringLength text)) + text;
          concatMapStringsSep = separator: f: list: concatStringsSep separator (map f list);
          findFirst = predicate: default: list: foldl' (found: item: if found == default && predicate item then item else found) default list;
          any = builtins.any;
          min = a: b: if a < b then a else b;
          max = a: b: if a > b then a else b;
          optionalAttrs = condition: attributes: if condition then attributes else { };
          mkIf = _: content: content;
          mkMerge = contents: contents;
          mkForce = content: content;
          mkBefore = content: content;
          mkDefault = content: { default = content; };
        }
        """;

    private const string Settings = """
        {
          "citus.enable_stat_counters": { "default": "on" },
          "citus.local_hostname": "db-worker-1.mesh.example",
          "citus.node_connection_timeout": { "default": "2s" },
          "citus.recover_2pc_interval": { "default": "2s" },
          "effective_cache_size": { "default": "3072MB" },
          "listen_addresses": "db-worker-1.mesh.example",
          "maintenance_work_mem": { "default": "256MB" },
          "max_connections": { "default": 300 },
          "max_prepared_transactions": { "default": 300 },
          "max_replication_slots": { "default": 20 },
          "max_slot_wal_keep_size": { "default": "8192MB" },
          "max_wal_senders": { "default": 20 },
          "max_worker_processes": { "default": 16 },
          "password_encryption": "scram-sha-256",
          "port": 5432,
          "shared_buffers": { "default": "1024MB" },
          "shared_preload_libraries": ["citus"],
          "tcp_keepalives_count": { "default": 3 },
          "tcp_keepalives_idle": { "default": 10 },
          "tcp_keepalives_interval": { "default": 3 },
          "unix_socket_directories": { "default": "/var/lib/dinehub-postgres" },
          "wal_keep_size": { "default": "1024MB" },
          "wal_level": "logical",
          "wal_receiver_timeout": { "default": "5s" },
          "wal_retrieve_retry_interval": { "default": "1s" },
          "wal_sender_timeout": { "default": "5s" },
          "work_mem": { "default": "4MB" }
        }
        """;

    private const string Archiving = """
        {
          "archive_command": "test ! -e /var/lib/dinehub-postgres/pgbackrest/pgbackrest.conf || pgbackrest --config=/var/lib/dinehub-postgres/pgbackrest/pgbackrest.conf --stanza=db-worker-1 archive-push \"%p\"",
          "archive_mode": "on",
          "archive_timeout": { "default": "60s" },
          "ssl": true,
          "ssl_ca_file": "/run/ca.pem",
          "ssl_cert_file": "/run/cert.pem",
          "ssl_key_file": "/run/key.pem"
        }
        """;

    [RequiresProgramFact(NixTool.Program, NixTool.Package)]
    public async Task A_machine_has_the_shared_settings_and_those_that_it_computes() =>
        (await EvaluateAsync("settings")).ToJsonString().ShouldBe(JsonNode.Parse(Settings)!.ToJsonString());

    [RequiresProgramFact(NixTool.Program, NixTool.Package)]
    public async Task A_machine_that_archives_and_has_a_certificate_has_the_settings_for_that_too()
    {
        var expected = JsonNode.Parse(Settings)!.AsObject().Concat(JsonNode.Parse(Archiving)!.AsObject())
            .ToDictionary(setting => setting.Key, setting => setting.Value!.ToJsonString());
        (await EvaluateAsync("settings", secured: true)).AsObject().ToDictionary(setting => setting.Key, setting => setting.Value!.ToJsonString())
            .ShouldBe(expected, ignoreOrder: true);
    }

    [RequiresProgramFact(NixTool.Program, NixTool.Package)]
    public async Task A_machine_takes_connections_from_each_range_of_the_mesh() => (await EvaluateAsync("authentication")).GetValue<string>().ShouldBe(
        """
        local all          postgres  scram-sha-256
        host all          postgres  100.64.0.0/10  scram-sha-256
        host dinehub      dinehub_api,dinehub_migrator,dinehub_monitor  100.64.0.0/10  scram-sha-256
        host dinehub      dinehub_owner,dinehub_replication  100.64.0.0/10  scram-sha-256
        host replication  dinehub_replication  100.64.0.0/10  scram-sha-256
        host all          postgres  fd7a:115c:a1e0::/48  scram-sha-256
        host dinehub      dinehub_api,dinehub_migrator,dinehub_monitor  fd7a:115c:a1e0::/48  scram-sha-256
        host dinehub      dinehub_owner,dinehub_replication  fd7a:115c:a1e0::/48  scram-sha-256
        host replication  dinehub_replication  fd7a:115c:a1e0::/48  scram-sha-256

        """);

    [RequiresProgramFact(NixTool.Program, NixTool.Package)]
    public async Task A_machine_with_a_certificate_takes_connections_with_TLS_only()
    {
        var lines = (await EvaluateAsync("authentication", secured: true)).GetValue<string>().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(9);
        lines.Skip(1).ShouldAllBe(line => line.StartsWith("hostssl ", StringComparison.Ordinal));
    }

    private static async Task<JsonNode> EvaluateAsync(string option, bool secured = false) => JsonNode.Parse(await NixTool.EvaluateAsync(
        $$"""
        let
          node = { name = "db-worker-1"; host = "db-worker-1.mesh.example"; };
          postgres = {
            nodeName = node.name;
            group = node.name;
            coordinator = { name = "db-coordinator"; };
            workers = [ node ];
            standbys = [ ];
            listenAddress = node.host;
            port = 5432;
            meshRanges = [ "100.64.0.0/10" "fd7a:115c:a1e0::/48" ];
            dataDir = "/var/lib/dinehub-postgres/data";
            memoryMiB = 4096;
            maxConnections = 300;
            maxSlotWalKeepMiB = 8192;
            archive = { enable = {{(secured ? "true" : "false")}}; timeoutSeconds = 60; };
            tls = {{(secured ? """{ certFile = "/run/cert.pem"; keyFile = "/run/key.pem"; caFile = "/run/ca.pem"; }""" : "{ certFile = null; }")}};
          };
          module = import {{ContractDocument.FileOf("nix", "modules", "postgres-service.nix")}} { config.dinehub.postgres = postgres; lib = {{Lib}}; pkgs = { }; };
          servers = builtins.filter (part: part ? services.postgresql.{{option}}) module.config;
        in
        (builtins.head servers).services.postgresql.{{option}}
        """))!;
}
