# One PostgreSQL server of the cluster, as a machine: the coordinator, a worker, or a standby of one.
#
# It does what the AppHost does on a laptop: `db join` before every start, `db keep` beside the server, passwords only
# (scram-sha-256). Settings and access rules that both share are in nix/generated/postgres.json. With `patroni.enable` a
# vote decides instead of a person; docs/failover.md says when that is worth it. Written for the modules of nixpkgs 25.11
# and later.
#
# Who the nodes are, and what they are like, comes from dinehub.cluster and dinehub.host (nix/generated/cluster.nix, nix/hosts),
# secrets from sops where the host has them; all of that are defaults.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib)
    concatMapStringsSep
    concatStringsSep
    escapeShellArg
    escapeShellArgs
    findFirst
    literalExpression
    mapAttrsToList
    max
    min
    mkAfter
    mkBefore
    mkDefault
    mkEnableOption
    mkForce
    mkIf
    mkMerge
    mkOption
    optional
    optionalAttrs
    optionalString
    types
    ;

  sandbox = import ../lib/sandbox.nix;
  cfg = config.dinehub.postgres;
  patroni = cfg.patroni;
  cluster = config.dinehub.cluster;
  hasSecret = name: lib.elem name config.dinehub.secrets.names;

  # A string and not a path: a path would be copied to the store, which everybody can read.
  secretFile = types.strMatching "/.+";

  nodeOptions = {
    name = mkOption {
      type = types.strMatching "[a-z0-9]([a-z0-9-]*[a-z0-9])?";
      description = "Its name in the topology.";
      example = "db-worker-1";
    };
    region = mkOption {
      type = types.str;
      description = "Its region.";
      example = "eu-west-1";
    };
    host = mkOption {
      type = types.str;
      description = "Its name or address on the mesh, the same text on every machine: Citus keeps it.";
      example = "db-worker-1.mesh.example.net";
    };
    port = mkOption {
      type = types.port;
      default = 5432;
      description = "Its port.";
    };
  };

  nodeType = types.submodule { options = nodeOptions; };

  standbyType = types.submodule {
    options = nodeOptions // {
      follows = mkOption {
        type = types.str;
        description = "The coordinator or worker that it is the standby of.";
        example = "db-worker-1";
      };
    };
  };

  primaries = [ cfg.coordinator ] ++ cfg.workers;
  everyNode = primaries ++ cfg.standbys;
  thisNode = findFirst (node: node.name == cfg.nodeName) null everyNode;
  thisStandby = findFirst (node: node.name == cfg.nodeName) null cfg.standbys;
  hasPartner = lib.any (standby: standby.follows == cfg.group) cfg.standbys;
  groupNumber = lib.lists.findFirstIndex (node: node.name == cfg.group) null primaries;

  parent = dirOf cfg.dataDir;
  archive = cfg.archive;
  # Only root and the service manager get at it.
  archiveEnvironment = "/run/dinehub-postgres-environment/archive";
  # Citus finds its own code beside PostgreSQL's.
  finalPackage =
    if patroni.enable then
      cfg.package.withPackages (ps: [ ps.citus ])
    else
      config.services.postgresql.finalPackage;
  bin = "${finalPackage}/bin";

  # --- What `DineHub.Api db …` is told; nothing of it is secret. ---

  nodeEnvironment =
    key: index: node:
    {
      "Database__${key}__${toString index}__Name" = node.name;
      "Database__${key}__${toString index}__Region" = node.region;
      "Database__${key}__${toString index}__Host" = node.host;
      "Database__${key}__${toString index}__Port" = toString node.port;
    }
    // optionalAttrs (node ? follows) {
      "Database__${key}__${toString index}__Follows" = node.follows;
    };

  libpqTls = "sslmode=verify-full sslrootcert=${cfg.tls.caFile}";
  npgsqlTls = "SSL Mode=VerifyFull;Root Certificate=${cfg.tls.caFile}";

  environment =
    lib.mergeAttrsList (lib.imap0 (nodeEnvironment "Nodes") cfg.workers)
    // lib.mergeAttrsList (lib.imap0 (nodeEnvironment "Standbys") cfg.standbys)
    // {
      Database__Engine = "Citus";
      Database__CoordinatorName = cfg.coordinator.name;
      Database__CoordinatorRegion = cfg.coordinator.region;
      Database__CoordinatorHost = cfg.coordinator.host;
      Database__CoordinatorPort = toString cfg.coordinator.port;
      Database__Durability = if cfg.durability == "standby" then "Standby" else "Local";
      Database__StandbyTimeoutSeconds = toString cfg.standbyTimeoutSeconds;
      Database__Shards = toString cfg.shards;
      # No diagnostic socket in /tmp: it has no use here.
      DOTNET_EnableDiagnostics = "0";
    }
    // optionalAttrs (cfg.tls.caFile != null) { Database__NodeConnectionInfo = libpqTls; };

  exports = concatStringsSep "\n" (
    mapAttrsToList (name: value: "export ${name}=${escapeShellArg value}") environment
  );

  # In two steps: `export X="$(cat …)"` would go on where cat fails.
  exportSecret = name: path: ''
    ${name}="$(cat ${path})"
    export ${name}
  '';

  # Values of a connection string stand in double quotes, which double in them (ADO.NET's DbConnectionStringBuilder).
  exportAdministrator = path: ''
    password="$(cat ${path})"
    export Database__AdminConnectionString="${
      concatStringsSep ";" (
        [
          "Host=${cfg.coordinator.host}"
          "Port=${toString cfg.coordinator.port}"
          "Database=postgres"
          "Username=postgres"
        ]
        ++ optional (cfg.tls.caFile != null) npgsqlTls
      )
    };Password=\"''${password//\"/\"\"}\""
    unset password
  '';

  credential = name: ''"$CREDENTIALS_DIRECTORY/${name}"'';

  # --- Before the server starts ---

  # `db join` needs none of the superuser's rights in the cluster, and waits until it is known what this server is.
  joinScript = pkgs.writeShellScript "dinehub-db-join" ''
    set -euo pipefail
    export PATH=${
      lib.makeBinPath [
        pkgs.coreutils
        pkgs.util-linux
      ]
    }
    data=${escapeShellArg cfg.dataDir}
    initialize=${escapeShellArg "${parent}/initialize"}
    # The files belong to postgres, and so does every process that changes them. The exports stay in this subshell.
    as_postgres() {
      setpriv --reuid=postgres --regid=postgres --init-groups --no-new-privs -- "$@"
    }

    ${optionalString hasPartner ''
      # In a running cluster no other server has a record of a new one: only an operator can confirm that it is new.
      if [ -e "$data/PG_VERSION" ] || [ ! -e "$initialize" ]; then
        (
          ${exports}
          ${exportSecret "Database__ReplicationPassword" (credential "replication-password")}
          ${optionalString (
            cfg.tls.caFile != null
          ) "export Database__AdminConnectionString=${escapeShellArg npgsqlTls}"}
          as_postgres ${cfg.backend}/bin/DineHub.Api db join --node ${escapeShellArg cfg.nodeName} --data "$data" --bin ${bin}
        )
      fi
    ''}
    if [ ! -e "$data/PG_VERSION" ]; then
      # Made beside, and then put in its place: what is there is whole, wherever the power fails.
      rm -rf "$data.new"
      as_postgres ${bin}/initdb -D "$data.new" -U postgres --pwfile=${credential "superuser-password"} \
        ${escapeShellArgs config.services.postgresql.initdbArgs}
      rm -rf "$data"
      mv "$data.new" "$data"
      sync -f "$data"
    fi
    rm -f "$initialize"
    ${optionalString archive.enable ''
      # What the archive command decrypts and encrypts by. systemd reads the file before it starts the server.
      passphrase="$(cat ${credential "backup-passphrase"})"
      case "$passphrase" in
        "" | *[\'\\]* | *$'\n'*)
          echo "The backups' passphrase must be one line without ' and \\." >&2
          exit 1
          ;;
      esac
      (
        umask 0077
        printf "PGBACKREST_REPO1_CIPHER_PASS='%s'\n" "$passphrase" > ${archiveEnvironment}
      )
      unset passphrase
    ''}
  '';

  keeperScript = pkgs.writeShellScript "dinehub-db-keeper" ''
    set -euo pipefail
    ${exports}
    ${exportAdministrator (credential "superuser-password")}
    exec ${cfg.backend}/bin/DineHub.Api db keep --group ${escapeShellArg cfg.group}
  '';

  # What an operator calls on a database machine: `sudo dinehub-db status`, `sudo dinehub-db promote db-worker-2`.
  operatorScript = pkgs.writeShellScriptBin "dinehub-db" ''
    set -euo pipefail
    ${optionalString patroni.enable ''
      if [ "''${1-}" = promote ]; then
        echo "Patroni decides who is the primary here: dinehub-patronictl switchover, or failover." >&2
        exit 1
      fi
    ''}
    ${exports}
    ${exportAdministrator (escapeShellArg cfg.secrets.superuserPasswordFile)}
    ${exportSecret "Database__ReplicationPassword" (
      escapeShellArg cfg.secrets.replicationPasswordFile
    )}
    ${concatStringsSep "\n" (
      mapAttrsToList (name: path: optionalString (path != null) (exportSecret name (escapeShellArg path)))
        {
          Database__ApiPassword = cfg.secrets.apiPasswordFile;
          Database__MigratorPassword = cfg.secrets.migratorPasswordFile;
          Database__MonitorPassword = cfg.secrets.monitorPasswordFile;
        }
    )}
    ${concatStringsSep "\n" (
      mapAttrsToList (
        name: value: "export ${name}=${escapeShellArg value}"
      ) cfg.operator.environment
    )}
    ${concatStringsSep "\n" (
      mapAttrsToList (name: path: exportSecret name (escapeShellArg path)) cfg.operator.secretFiles
    )}
    ${optionalString (cfg.operator.path != [ ]) ''
      export PATH=${lib.makeBinPath cfg.operator.path}:"$PATH"
    ''}
    exec ${cfg.backend}/bin/DineHub.Api db "$@"
  '';

  # --- The server ---

  # Shared with the servers of a laptop: DineHub.AppHost/Databases, which has the reasons.
  published = lib.importJSON ../generated/postgres.json;
  opinions = lib.mapAttrs (_: mkDefault);

  # From the mesh only. Which machine may connect at all is the mesh policy's and the firewall's to say (AccessPolicy).
  hostType = if cfg.tls.certFile != null then "hostssl" else "host";
  column = text: text + lib.fixedWidthString (max 1 (13 - lib.stringLength text)) " " "";
  accessRule =
    type: address: rule:
    "${type} ${column rule.database}${concatStringsSep "," rule.users}  ${address}${rule.method}";
  rulesByType = lib.groupBy (rule: rule.type) published.accessRules;
  accessRules =
    map (accessRule "local" "") rulesByType.local
    ++ lib.concatMap (range: map (accessRule hostType "${range}  ") rulesByType.host) cfg.meshRanges;

  archiveConfiguration = "${parent}/pgbackrest/pgbackrest.conf";

  megabytes = number: "${toString number}MB";

  # A standby refuses to start, or stops replaying, when its values of these are smaller than its primary's
  # (PostgreSQL documentation, "Hot Standby"). Patroni keeps them, and the WAL's, for the whole group.
  sharedSettings = opinions published.groupSettings // {
    # Not an opinion: without it shards do not move.
    inherit (published.groupSettings) wal_level;
    max_connections = mkDefault cfg.maxConnections;
    max_prepared_transactions = mkDefault cfg.maxConnections;
    # pg_rewind needs the WAL back to the last checkpoint that both servers have; a crash's recovery would remove it.
    wal_keep_size = mkDefault (megabytes (min 1024 cfg.maxSlotWalKeepMiB));
  };

  serverSettings =
    opinions published.serverSettings
    // {
      # Not an opinion: the access rules take no other.
      inherit (published.serverSettings) password_encryption;

      # A third of the volume at most, while a standby is away.
      max_slot_wal_keep_size = mkDefault (megabytes cfg.maxSlotWalKeepMiB);

      shared_buffers = mkDefault (megabytes (cfg.memoryMiB / 4));
      effective_cache_size = mkDefault (megabytes (cfg.memoryMiB * 3 / 4));
      maintenance_work_mem = mkDefault (megabytes (min 1024 (max 32 (cfg.memoryMiB / 16))));
      # A statement may take it several times; orders take it once and hardly.
      work_mem = mkDefault (megabytes (max 4 (cfg.memoryMiB / 4 / cfg.maxConnections)));

      # A folder that only its user may enter, and that stays when the server has stopped: pgBackRest connects to no other.
      unix_socket_directories = mkDefault parent;

      # What Citus calls itself by: nothing listens on localhost.
      "citus.local_hostname" = if thisNode == null then "localhost" else thisNode.host;
    }
    // optionalAttrs archive.enable {
      # PgBackRestConfiguration.ArchiveCommand. The first `db backup` writes pgBackRest's configuration; before it there is
      # nothing that an archive could be applied to (as in ServerSettings.ArchiveCommand).
      archive_mode = "on";
      archive_command = "test ! -e ${archiveConfiguration} || pgbackrest --config=${archiveConfiguration} --stanza=${cfg.group} archive-push \"%p\"";
      archive_timeout = mkDefault "${toString archive.timeoutSeconds}s";
    }
    // optionalAttrs (cfg.tls.certFile != null) {
      ssl = true;
      ssl_cert_file = cfg.tls.certFile;
      ssl_key_file = cfg.tls.keyFile;
      ssl_ca_file = cfg.tls.caFile;
    };

  # Patroni wants plain values.
  plain = lib.mapAttrs (_: value: value.content or value);

  # --- Patroni ---

  # A former life under `db join`: what ALTER SYSTEM wrote would win over what Patroni writes, and a server that the
  # cluster has fenced has no say until it was rewound.
  adoptScript = pkgs.writeShellScript "dinehub-patroni-adopt" ''
    set -euo pipefail
    data=${escapeShellArg cfg.dataDir}
    if [ -e "$data/dinehub.fenced" ]; then
      echo "$data was fenced: start it once without Patroni, so that 'db join' rewinds it, or remove it, so that Patroni copies it." >&2
      exit 1
    fi
    if [ -e "$data/postgresql.auto.conf" ]; then
      sed -i -E '/^(primary_conninfo|primary_slot_name|synchronous_standby_names)[[:space:]]*=/d' "$data/postgresql.auto.conf"
    fi
  '';

  # `db status`, and `db join` after a return to promotion by hand, go by the record dinehub.primaries: each new primary
  # writes its own, with the next generation. Its standby has it by replication. Never waits for that standby.
  recordScript = pkgs.writeShellScript "dinehub-patroni-record" ''
    set -euo pipefail
    case "''${2-}" in
      master | primary) ;;
      *) exit 0 ;;
    esac
    PGPASSWORD="$(cat /run/credentials/patroni.service/superuser-password)"
    export PGPASSWORD
    record() {
      ${bin}/psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
        --set=group=${escapeShellArg cfg.group} --set=node=${escapeShellArg cfg.nodeName} \
        ${
          escapeShellArg (
            "host=${cfg.listenAddress} port=${toString cfg.port} dbname=dinehub user=postgres "
            + "connect_timeout=5 target_session_attrs=read-write"
          )
        } <<'SQL'
    SELECT to_regclass('dinehub.primaries') IS NOT NULL AS known \gset
    \if :known
      SET synchronous_commit = 'local';
      INSERT INTO dinehub.primaries AS known (group_name, node, generation, in_sync, changed_at)
      VALUES (:'group', :'node', 1, false, now())
      ON CONFLICT (group_name) DO UPDATE
      SET node = excluded.node, generation = known.generation + 1, in_sync = false, changed_at = excluded.changed_at
      WHERE known.node <> excluded.node;
    \endif
    SQL
    }
    # Patroni calls when it has begun to promote, and the server takes no writes before it is done.
    for _ in {1..60}; do
      if record; then
        exit 0
      fi
      sleep 1
    done
    exit 1
  '';

  # What changes something asks for the REST API's password: `sudo dinehub-patronictl switchover`.
  patronictlScript = pkgs.writeShellScriptBin "dinehub-patronictl" ''
    set -euo pipefail
    export PATRONI_RESTAPI_USERNAME=patroni
    ${exportSecret "PATRONI_RESTAPI_PASSWORD" (escapeShellArg patroni.restPasswordFile)}
    export PATRONICTL_CONFIG_FILE=${escapeShellArg "/etc/patroni-${patroni.scope}-${cfg.nodeName}.yaml"}
    exec ${pkgs.patroni}/bin/patronictl "$@"
  '';

  etcdTls = patroni.etcd.tls;

  fromSops = name: mkIf (hasSecret name) (mkDefault config.sops.secrets.${name}.path);
in
{
  imports = [
    ./backend-service.nix
    ./cluster.nix
    ./failover-vote.nix
    ./secrets.nix
  ];

  options.dinehub.postgres = {
    enable = mkEnableOption "a PostgreSQL server of the DineHub cluster";

    package = mkOption {
      type = types.package;
      default = pkgs.postgresql_17;
      defaultText = literalExpression "pkgs.postgresql_17";
      description = "PostgreSQL, the same major version on every node. Citus is added to it.";
    };

    backend = mkOption {
      type = types.package;
      default = config.dinehub.backend.package;
      defaultText = literalExpression "config.dinehub.backend.package";
      description = "The package that has `bin/DineHub.Api`, for its `db` verbs.";
    };

    role = mkOption {
      type = types.enum [
        "coordinator"
        "worker"
        "standby"
      ];
      description = "This server's configured role. The current primary is determined at run time.";
    };

    nodeName = mkOption {
      type = types.str;
      default = config.networking.hostName;
      defaultText = literalExpression "config.networking.hostName";
      description = "This server's name in the topology.";
    };

    group = mkOption {
      type = types.str;
      default = if thisStandby != null then thisStandby.follows else cfg.nodeName;
      defaultText = "whom it follows, if it is a standby; else its own name";
      description = "The group that it belongs to, which has the name of its home primary.";
    };

    coordinator = mkOption {
      type = nodeType;
      description = "The home coordinator.";
    };

    workers = mkOption {
      type = types.listOf nodeType;
      description = "The home workers, in the order of the topology. New ones are appended.";
    };

    standbys = mkOption {
      type = types.listOf standbyType;
      default = [ ];
      description = "The standbys, at most one for each coordinator or worker.";
    };

    listenAddress = mkOption {
      type = types.str;
      default = if thisNode == null then "" else thisNode.host;
      defaultText = "its host in the lists of nodes";
      description = "The mesh's name or address that it listens on, and nothing else.";
    };

    port = mkOption {
      type = types.port;
      default = if thisNode == null then 5432 else thisNode.port;
      defaultText = "its port in the lists of nodes";
      description = "The port that it listens on.";
    };

    meshRanges = mkOption {
      type = types.nonEmptyListOf types.str;
      default = [ "100.64.0.0/10" ];
      description = "The mesh's address ranges (`Mesh:AddressRange` of the topology): the only ones that may sign in.";
    };

    meshInterface = mkOption {
      type = types.str;
      default = "tailscale0";
      description = "The mesh's interface: the firewall opens the port there and nowhere else.";
    };

    dataDir = mkOption {
      type = types.strMatching "/.+/[^/]+";
      default = "/var/lib/dinehub-postgres/data";
      description = ''
        The data folder. The folder around it is the mount point of the server's own volume and belongs to `postgres`:
        a base backup is made beside the data and then put in its place.
      '';
    };

    durability = mkOption {
      type = types.enum [
        "local"
        "standby"
      ];
      default = if cfg.standbys == [ ] then "local" else "standby";
      defaultText = "\"standby\" where there are standbys";
      description = "When a commit is acknowledged: when it is on the primary's disk, or also on its standby's.";
    };

    standbyTimeoutSeconds = mkOption {
      type = types.ints.between 1 3600;
      default = 15;
      description = "How long commits wait for a standby that has gone, before the primary goes on without it.";
    };

    memoryMiB = mkOption {
      type = types.ints.between 512 1048576;
      description = "Memory for PostgreSQL and the page cache, in MiB: the machine's, less what else runs there.";
      example = 7168;
    };

    shards = mkOption {
      type = types.ints.between 1 1024;
      default = 32;
      description = "Shards of a distributed table (`Database:Shards` of the topology). Counts when a table is distributed first.";
    };

    maxConnections = mkOption {
      type = types.ints.between 20 5000;
      default = published.groupSettings.max_connections;
      defaultText = literalExpression "(lib.importJSON ../generated/postgres.json).groupSettings.max_connections";
      description = "Sessions at most. Raise it on a group's standby before its primary, lower it the other way round.";
    };

    maxSlotWalKeepMiB = mkOption {
      type = types.ints.between 256 1048576;
      default = 8192;
      description = "WAL kept for a standby that is away, in MiB, at most: a third of the volume or less. A standby that needs more is cloned again.";
    };

    tls = {
      certFile = mkOption {
        type = types.nullOr secretFile;
        default = null;
        description = "Its certificate, for its `host`. Null: the mesh's encryption is all (Citus then signs one for itself).";
      };
      keyFile = mkOption {
        type = types.nullOr secretFile;
        default = null;
        description = "The certificate's key, which `postgres` owns, mode 0600, at run time.";
      };
      caFile = mkOption {
        type = types.nullOr secretFile;
        default = null;
        description = "The authority that the nodes' certificates are checked by.";
      };
    };

    secrets =
      let
        required =
          what:
          mkOption {
            type = secretFile;
            description = "File with ${what}, at run time; root's is enough. Nothing of it comes into the store.";
            example = "/run/secrets/postgres-superuser";
          };
        optionalSecret =
          what:
          mkOption {
            type = types.nullOr secretFile;
            default = null;
            description = "File with ${what}, at run time.";
          };
      in
      {
        superuserPasswordFile = required "the superuser's password, the same on every node";
        replicationPasswordFile = required "the password of `dinehub_replication`";
        apiPasswordFile = optionalSecret "the password of `dinehub_api`; for `dinehub-db migrate`";
        migratorPasswordFile = optionalSecret "the password of `dinehub_migrator`; for `dinehub-db migrate`";
        monitorPasswordFile = optionalSecret "the password of `dinehub_monitor`; for `dinehub-db migrate` and the exporter";
        backupPassphraseFile = optionalSecret "the passphrase that backups are encrypted by; for the backup module";
      };

    archive = {
      enable = mkOption {
        type = types.bool;
        default = false;
        description = ''
          Whether the server archives its WAL by pgBackRest, which `dinehub.backup` sets up and switches on. Needs
          `secrets.backupPassphraseFile`.
        '';
      };

      timeoutSeconds = mkOption {
        type = types.ints.between 10 86400;
        default = 60;
        description = "How much of the newest changes may be missing in the archive, when the machine and its disk are lost.";
      };
    };

    keeper = {
      port = mkOption {
        type = types.port;
        default = 9188;
        description = "The keeper's port, which the firewall opens to the mesh: Prometheus scrapes it.";
      };

      url = mkOption {
        type = types.str;
        default = "http://*:${toString cfg.keeper.port}";
        defaultText = literalExpression ''"http://*:''${toString config.dinehub.postgres.keeper.port}"'';
        description = "Where the keeper (`db keep`) answers for its health and its metrics.";
      };
    };

    exporter = {
      enable = mkOption {
        type = types.bool;
        default = cfg.secrets.monitorPasswordFile != null;
        defaultText = literalExpression "config.dinehub.postgres.secrets.monitorPasswordFile != null";
        description = "Whether Prometheus' PostgreSQL exporter runs, as the role `dinehub_monitor`, for the mesh only.";
      };

      port = mkOption {
        type = types.port;
        default = 9187;
        description = "Its port.";
      };
    };

    # For other modules of DineHub on the same machine (dinehub.backup).

    verbEnvironment = mkOption {
      type = types.lines;
      internal = true;
      readOnly = true;
      description = "Shell lines that export what a `db` verb needs, in a unit that has the credential `superuser-password`.";
    };

    operator = {
      environment = mkOption {
        type = types.attrsOf types.str;
        default = { };
        internal = true;
        description = "More environment of `dinehub-db`. Nothing secret.";
      };
      secretFiles = mkOption {
        type = types.attrsOf secretFile;
        default = { };
        internal = true;
        description = "More environment of `dinehub-db`: files whose content is the value.";
      };
      path = mkOption {
        type = types.listOf types.package;
        default = [ ];
        internal = true;
        description = "Programs that `dinehub-db` finds.";
      };
    };

    patroni = {
      enable = mkEnableOption ''
        automatic failover by Patroni, instead of `db join`, `db keep` and `db promote`. All nodes of the cluster must
        agree on it. Needs a vote of three sites: see `dinehub.failoverVote` and docs/failover.md'';

      scope = mkOption {
        type = types.str;
        default = "dinehub";
        description = "Patroni's name for the cluster, the same on every node: with Citus the groups are below it.";
      };

      citusGroup = mkOption {
        type = types.ints.unsigned;
        default = if groupNumber == null then 0 else groupNumber;
        defaultText = "0 for the coordinator, else its place among the workers";
        description = ''
          The group's number, which must be the one that Citus has given it already:
          `SELECT groupid, nodename FROM pg_dist_node` on the coordinator.
        '';
      };

      etcd = {
        hosts = mkOption {
          type = types.listOf types.str;
          default = [ ];
          description = "The members of `dinehub.failoverVote`, host:port.";
          example = [
            "db-coordinator.mesh.example.net:2379"
            "db-coordinator-standby.mesh.example.net:2379"
            "monitoring.mesh.example.net:2379"
          ];
        };
        tls = {
          caFile = mkOption {
            type = types.nullOr secretFile;
            default = null;
            description = "The authority that etcd's certificates are checked by. Null: no TLS, the mesh's encryption is all.";
          };
          certFile = mkOption {
            type = types.nullOr secretFile;
            default = null;
            description = "The certificate that this node shows etcd.";
          };
          keyFile = mkOption {
            type = types.nullOr secretFile;
            default = null;
            description = "Its key, which `postgres` may read.";
          };
        };
      };

      restPort = mkOption {
        type = types.port;
        default = 8008;
        description = "The port of Patroni's REST API, on the mesh.";
      };

      restPasswordFile = mkOption {
        type = types.nullOr secretFile;
        default = null;
        description = "File with the password that changes by the REST API ask for, at run time; the same on every node.";
      };

      ttlSeconds = mkOption {
        type = types.ints.between 20 600;
        default = 30;
        description = "How long a leader's lease holds: about as long is an outage. At least loopWaitSeconds + 2 × retryTimeoutSeconds.";
      };

      loopWaitSeconds = mkOption {
        type = types.ints.between 1 60;
        default = 10;
        description = "How often Patroni looks.";
      };

      retryTimeoutSeconds = mkOption {
        type = types.ints.between 3 60;
        default = 10;
        description = "How long etcd, or PostgreSQL, may be silent before a leader steps down.";
      };

      maximumLagBytes = mkOption {
        type = types.ints.positive;
        default = 1048576;
        description = "How far a standby may be behind and still be promoted, in bytes. Matters with durability `local`.";
      };

      watchdog = mkOption {
        type = types.bool;
        default = true;
        description = "Whether the kernel resets the machine when Patroni hangs while it holds the lease, where there is a watchdog.";
      };
    };
  };

  config = mkIf cfg.enable (mkMerge [
    {
      assertions = [
        {
          assertion = lib.versionAtLeast lib.trivial.release "25.11";
          message = "dinehub.postgres needs nixpkgs 25.11 or later: postgresql-setup.service is a unit of its own since then.";
        }
        {
          assertion = thisNode != null;
          message = "dinehub.postgres.nodeName: '${cfg.nodeName}' is neither the coordinator, nor a worker, nor a standby; there are ${
            concatMapStringsSep ", " (node: node.name) everyNode
          }.";
        }
        {
          assertion = lib.allUnique (map (node: node.name) everyNode);
          message = "dinehub.postgres: two nodes have one name: ${concatMapStringsSep ", " (node: node.name) everyNode}.";
        }
        {
          assertion = cfg.workers != [ ];
          message = "dinehub.postgres.workers: at least one worker is required.";
        }
        {
          assertion = lib.all (
            standby: lib.any (primary: primary.name == standby.follows) primaries
          ) cfg.standbys;
          message = "dinehub.postgres.standbys: each follows the coordinator or a worker, by its name.";
        }
        {
          assertion = lib.allUnique (map (standby: standby.follows) cfg.standbys);
          message = "dinehub.postgres.standbys: a coordinator or worker has one standby at most.";
        }
        {
          assertion =
            cfg.role == (
              if thisStandby != null then
                "standby"
              else if cfg.nodeName == cfg.coordinator.name then
                "coordinator"
              else
                "worker"
            );
          message = "dinehub.postgres.role: '${cfg.nodeName}' is no ${cfg.role} in the lists of nodes.";
        }
        {
          assertion = cfg.group == (if thisStandby != null then thisStandby.follows else cfg.nodeName);
          message = "dinehub.postgres.group: '${cfg.nodeName}' does not belong to the group '${cfg.group}'.";
        }
        {
          assertion =
            cfg.durability == "local"
            || lib.all (primary: lib.any (standby: standby.follows == primary.name) cfg.standbys) primaries;
          message = "dinehub.postgres.durability: must be \"local\" where a node has no standby to wait for.";
        }
        {
          assertion =
            (cfg.tls.certFile == null) == (cfg.tls.keyFile == null)
            && (cfg.tls.certFile == null) == (cfg.tls.caFile == null);
          message = "dinehub.postgres.tls: certFile, keyFile and caFile go together.";
        }
        {
          assertion = lib.all (path: path == null || !lib.hasPrefix "${builtins.storeDir}/" path) (
            lib.attrValues cfg.secrets
            ++ [
              cfg.tls.keyFile
              etcdTls.keyFile
              patroni.restPasswordFile
            ]
          );
          message = "dinehub.postgres.secrets: a secret must not be in the store, which everybody can read; name a file that is there at run time, such as sops.secrets.<name>.path.";
        }
        {
          assertion = cfg.dataDir != "/var/lib/postgresql/${cfg.package.psqlSchema}";
          message = "dinehub.postgres.dataDir: must be a folder of its own, in a folder that `postgres` may write to.";
        }
        {
          assertion = config.networking.firewall.enable;
          message = "dinehub.postgres: networking.firewall must be on: the server is for the mesh only.";
        }
        {
          assertion = archive.enable -> cfg.secrets.backupPassphraseFile != null;
          message = "dinehub.postgres.archive: secrets.backupPassphraseFile is required: the archive is encrypted.";
        }
        {
          assertion = archive.enable -> builtins.match "[A-Za-z0-9_./-]+" parent != null;
          message = "dinehub.postgres.dataDir: '${parent}' stands in the archive command: letters, digits, _ . / and - only.";
        }
        {
          assertion = cfg.exporter.enable -> cfg.secrets.monitorPasswordFile != null;
          message = "dinehub.postgres.exporter: secrets.monitorPasswordFile is required.";
        }
      ];

      environment.systemPackages = [ operatorScript ];
      networking.firewall.interfaces.${cfg.meshInterface}.allowedTCPPorts = [ cfg.port ];

      dinehub.postgres = {
        role = mkDefault config.dinehub.host.role;
        coordinator = mkDefault cluster.database.coordinator;
        workers = mkDefault cluster.database.workers;
        standbys = mkDefault cluster.database.standbys;
        durability = mkDefault cluster.database.durability;
        standbyTimeoutSeconds = mkDefault cluster.database.standbyTimeoutSeconds;
        shards = mkDefault cluster.database.shards;
        meshRanges = mkDefault [
          cluster.mesh.addressRange
          # Machines have addresses of both kinds, and names give both.
          cluster.mesh.addressRange6
        ];
        # The rest is for the system, the keeper or Patroni, the exporters, and pgBackRest.
        memoryMiB = mkDefault (max 512 (config.dinehub.host.memoryMiB * 7 / 8 - 256));

        secrets = {
          superuserPasswordFile = fromSops "database/superuser-password";
          replicationPasswordFile = fromSops "database/replication-password";
          apiPasswordFile = fromSops "database/api-password";
          migratorPasswordFile = fromSops "database/migrator-password";
          monitorPasswordFile = fromSops "database/monitor-password";
          backupPassphraseFile = fromSops "database/backup-passphrase";
        };

        patroni = {
          enable = mkDefault (cluster.database.failover == "vote");
          restPasswordFile = fromSops "patroni/rest-password";
          etcd.hosts = mkDefault (
            map (
              voter: "${voter.host}:${toString config.dinehub.failoverVote.clientPort}"
            ) cluster.database.voters
          );
        };

        verbEnvironment = ''
          ${exports}
          ${exportAdministrator (credential "superuser-password")}
        '';
      };

      systemd.tmpfiles.settings."10-dinehub-postgres".${parent}.d = {
        user = "postgres";
        group = "postgres";
        mode = "0700";
      };
    }

    (mkIf cfg.exporter.enable {
      services.prometheus.exporters.postgres = {
        enable = true;
        port = cfg.exporter.port;
        # Empty: then it takes the three below, of which the password is a file.
        dataSourceName = "";
        # Off by default; the alert on transaction ids that run out asks for what it tells.
        extraFlags = [ "--collector.database_wraparound" ];
      };
      networking.firewall.interfaces.${cfg.meshInterface}.allowedTCPPorts = [ cfg.exporter.port ];

      systemd.services.prometheus-postgres-exporter = {
        environment = {
          DATA_SOURCE_URI = "${cfg.listenAddress}:${toString cfg.port}/dinehub?${
            if cfg.tls.caFile != null then
              "sslmode=verify-full&sslrootcert=${cfg.tls.caFile}"
            else
              "sslmode=disable"
          }";
          DATA_SOURCE_USER = "dinehub_monitor";
          DATA_SOURCE_PASS_FILE = "/run/credentials/prometheus-postgres-exporter.service/monitor-password";
        };
        serviceConfig.LoadCredential = [
          "monitor-password:${toString cfg.secrets.monitorPasswordFile}"
        ];
      };
    })

    # By hand: who is the primary is an operator's decision.
    (mkIf (!patroni.enable) {
      services.postgresql = {
        enable = true;
        package = cfg.package;
        dataDir = cfg.dataDir;
        extensions = ps: [ ps.citus ];

        # Read by joinScript, which makes the server before the module of nixpkgs would.
        initdbArgs = [
          "--data-checksums"
          "--encoding=UTF8"
          "--locale=C"
          "--auth=scram-sha-256"
        ];

        # All of it: what nixpkgs would add signs in by the name of the system's user.
        authentication = mkForce (concatMapStringsSep "" (rule: "${rule}\n") accessRules);

        settings =
          sharedSettings
          // serverSettings
          // {
            listen_addresses = mkForce cfg.listenAddress;
            port = cfg.port;
            # It refuses to be anything but the first.
            shared_preload_libraries = mkBefore [ "citus" ];
          };
      };

      systemd.services.postgresql = {
        # Names of the mesh are known when it is up; until then there is nothing to listen on, and it is tried again.
        wants = [ "network-online.target" ];
        after = [
          "network-online.target"
          "tailscaled.service"
        ];
        # The fence (DineHub.Database/Replication/Fence.cs) runs cat, head and kill in the server; the archive command pgBackRest.
        path = [ pkgs.coreutils ] ++ optional archive.enable pkgs.pgbackrest;

        # nixpkgs links postgresql.conf to the store. pg_rewind refuses a link where the other server has a file, and
        # pg_basebackup leaves it out.
        preStart = mkAfter ''
          cp --remove-destination "$(readlink --canonicalize ${escapeShellArg cfg.dataDir}/postgresql.conf)" ${escapeShellArg cfg.dataDir}/postgresql.conf
          chmod 0600 ${escapeShellArg cfg.dataDir}/postgresql.conf
        '';

        serviceConfig = {
          # Before each start, restarts after a crash included: a unit of its own would not run again when one fails, and
          # the server would not be tried again either. With "+", because the server's sandbox (no writable and
          # executable memory) is none that .NET can run in; the script gives its rights away itself. It comes before
          # preStart, whose initdb then finds what to start from.
          ExecStartPre = mkBefore [ "+${joinScript}" ];
          LoadCredential = [
            "superuser-password:${cfg.secrets.superuserPasswordFile}"
            "replication-password:${cfg.secrets.replicationPasswordFile}"
          ]
          ++ optional archive.enable "backup-passphrase:${toString cfg.secrets.backupPassphraseFile}";
          EnvironmentFile = mkIf archive.enable [ "-${archiveEnvironment}" ];
          # `db join` waits until another server can vouch for this one's role; a recovery waits for its WAL.
          TimeoutStartSec = "infinity";
          # The fence ends the server by SIGINT, which is a clean exit: it must come back, and join.
          Restart = "always";
          RestartSec = mkDefault "1s";
          # nixpkgs lets it write to the data alone; a base backup is put in the place of that very folder.
          ReadWritePaths = mkForce [ parent ];
          # The last to be killed when memory runs out; its children are not spared (PostgreSQL documentation,
          # "Linux Memory Overcommit").
          OOMScoreAdjust = mkDefault (-900);
        };
        environment = {
          PG_OOM_ADJUST_FILE = "/proc/self/oom_score_adj";
          PG_OOM_ADJUST_VALUE = "0";
        };
        # A server that is given up needs somebody at night.
        unitConfig.StartLimitIntervalSec = mkForce 0;
      };

      systemd.tmpfiles.settings."10-dinehub-postgres" = mkIf archive.enable {
        ${dirOf archiveEnvironment}.d = {
          user = "root";
          group = "root";
          mode = "0700";
        };
      };

      # nixpkgs' setup would never end: on a standby it waits for the end of recovery, on a primary for a password. `db migrate` sets up
      # databases and roles.
      systemd.services.postgresql-setup.script = mkForce "exit 0";

      networking.firewall.interfaces.${cfg.meshInterface}.allowedTCPPorts = mkIf hasPartner [
        cfg.keeper.port
      ];

      systemd.services.dinehub-db-keeper = mkIf hasPartner {
        description = "Keeps the durability of the database group ${cfg.group}";
        wantedBy = [ "multi-user.target" ];
        wants = [ "network-online.target" ];
        # Not bound to the server here: the primary may be the other one.
        after = [ "network-online.target" ];
        environment.ASPNETCORE_URLS = cfg.keeper.url;
        startLimitIntervalSec = 0;
        serviceConfig = sandbox // {
          ExecStart = keeperScript;
          LoadCredential = [ "superuser-password:${cfg.secrets.superuserPasswordFile}" ];
          Restart = "always";
          RestartSec = mkDefault "2s";
          MemoryMax = mkDefault "256M";
          TasksMax = mkDefault 64;

          DynamicUser = true;
          PrivateUsers = true;
          ProcSubset = "pid";
          ProtectProc = "invisible";
          RemoveIPC = true;
          RestrictAddressFamilies = [
            "AF_INET"
            "AF_INET6"
            "AF_UNIX"
          ];
          SystemCallFilter = [
            "@system-service"
            "~@privileged"
          ];
        };
      };
    })

    # By vote: Patroni starts, stops, promotes and rewinds.
    (mkIf patroni.enable {
      assertions = [
        {
          assertion = !config.services.postgresql.enable;
          message = "dinehub.postgres.patroni: services.postgresql must be off, as Patroni starts the server.";
        }
        {
          assertion = hasPartner;
          message = "dinehub.postgres.patroni: the group '${cfg.group}' has no standby that could be promoted.";
        }
        {
          assertion = lib.length patroni.etcd.hosts >= 3;
          message = "dinehub.postgres.patroni.etcd.hosts: three members on three sites, or no majority is left when one is lost.";
        }
        {
          assertion =
            (etcdTls.caFile == null) == (etcdTls.certFile == null)
            && (etcdTls.caFile == null) == (etcdTls.keyFile == null);
          message = "dinehub.postgres.patroni.etcd.tls: caFile, certFile and keyFile go together.";
        }
        {
          assertion = patroni.restPasswordFile != null;
          message = "dinehub.postgres.patroni.restPasswordFile: is required, or everybody on the mesh who reaches the port may restart the server.";
        }
        {
          assertion = patroni.loopWaitSeconds + 2 * patroni.retryTimeoutSeconds <= patroni.ttlSeconds;
          message = "dinehub.postgres.patroni.ttlSeconds: must be at least loopWaitSeconds + 2 × retryTimeoutSeconds, or a leader loses its lease before it has stepped down.";
        }
      ];

      environment.systemPackages = mkIf (patroni.restPasswordFile != null) [ patronictlScript ];
      networking.firewall.interfaces.${cfg.meshInterface}.allowedTCPPorts = [ patroni.restPort ];

      users.users.postgres = {
        name = "postgres";
        uid = config.ids.uids.postgres;
        group = "postgres";
        home = parent;
        useDefaultShell = true;
      };
      users.groups.postgres.gid = config.ids.gids.postgres;

      services.patroni = {
        enable = true;
        scope = patroni.scope;
        name = cfg.nodeName;
        namespace = "/service";
        nodeIp = cfg.listenAddress;
        otherNodesIps = map (node: node.host) (lib.filter (node: node.name != cfg.nodeName) everyNode);
        restApiPort = patroni.restPort;
        postgresqlPackage = finalPackage;
        postgresqlDataDir = cfg.dataDir;
        postgresqlPort = cfg.port;
        # The files may be those of a server that was started by hand before.
        user = "postgres";
        group = "postgres";
        softwareWatchdog = patroni.watchdog;

        environmentFiles = {
          PATRONI_SUPERUSER_PASSWORD = "/run/credentials/patroni.service/superuser-password";
          PATRONI_REPLICATION_PASSWORD = "/run/credentials/patroni.service/replication-password";
          PATRONI_RESTAPI_PASSWORD = "/run/credentials/patroni.service/rest-password";
          # As the superuser, who may sign in from every node anyway (Citus needs that, too).
          PATRONI_REWIND_PASSWORD = "/run/credentials/patroni.service/superuser-password";
        }
        // optionalAttrs archive.enable {
          # Patroni hands its environment on to the server, but for what is called PATRONI_….
          PGBACKREST_REPO1_CIPHER_PASS = "/run/credentials/patroni.service/backup-passphrase";
        };

        settings = {
          etcd3 = {
            hosts = patroni.etcd.hosts;
          }
          // optionalAttrs (etcdTls.caFile != null) {
            protocol = "https";
            cacert = etcdTls.caFile;
            cert = etcdTls.certFile;
            key = etcdTls.keyFile;
          };

          # Patroni itself tells the coordinator who is each group's primary.
          citus = {
            group = patroni.citusGroup;
            database = "dinehub";
          };

          # Counts only when the cluster is new to etcd; after that `patronictl edit-config` does.
          bootstrap = {
            dcs = {
              ttl = patroni.ttlSeconds;
              loop_wait = patroni.loopWaitSeconds;
              retry_timeout = patroni.retryTimeoutSeconds;
              maximum_lag_on_failover = patroni.maximumLagBytes;
              # Only a standby that has every acknowledged commit is promoted; without one the primary goes on alone.
              synchronous_mode = cfg.durability == "standby";
              synchronous_mode_strict = false;
              # When the vote itself is lost, a leader that reaches its standby goes on: no other can have been elected.
              failsafe_mode = true;
              postgresql = {
                use_pg_rewind = true;
                use_slots = true;
                parameters = plain sharedSettings;
              };
            };
            initdb = [
              "data-checksums"
              { encoding = "UTF8"; }
              { locale = "C"; }
              { auth = "scram-sha-256"; }
            ];
          };

          postgresql = {
            # Citus keeps it, and so does `db migrate`: one text for one node.
            connect_address = mkIf (thisNode != null) (mkForce "${thisNode.host}:${toString thisNode.port}");
            # In place of what nixpkgs' module may have left in the data folder, which names files of another generation.
            custom_conf = "${pkgs.writeText "dinehub-patroni-base.conf" ""}";
            pg_hba = accessRules;
            parameters = plain serverSettings // {
              shared_preload_libraries = "citus";
              unix_socket_directories = "/run/patroni";
            };
            authentication = {
              superuser.username = "postgres";
              replication.username = "dinehub_replication";
              rewind.username = "postgres";
            };
            callbacks.on_role_change = "${recordScript}";
          };

          watchdog.mode = mkIf patroni.watchdog (mkForce "automatic");
        };
      };

      systemd.services.patroni = {
        wants = [ "network-online.target" ];
        after = [
          "network-online.target"
          "tailscaled.service"
        ];
        unitConfig.RequiresMountsFor = cfg.dataDir;
        path = mkIf archive.enable [ pkgs.pgbackrest ];
        startLimitIntervalSec = 0;
        # Not in the settings: patronictl, which reads them too, refuses a name without its password.
        environment.PATRONI_RESTAPI_USERNAME = "patroni";
        serviceConfig = {
          ExecStartPre = [ adoptScript ];
          LoadCredential = [
            "superuser-password:${cfg.secrets.superuserPasswordFile}"
            "replication-password:${cfg.secrets.replicationPasswordFile}"
          ]
          ++ optional (patroni.restPasswordFile != null) "rest-password:${patroni.restPasswordFile}"
          ++ optional archive.enable "backup-passphrase:${toString cfg.secrets.backupPassphraseFile}";
          StateDirectory = "patroni";
          StateDirectoryMode = "0700";
          RuntimeDirectory = "patroni";
          # pgBackRest connects to no socket that others reach.
          RuntimeDirectoryMode = "0700";
          # The server outlives a Patroni that crashed, and with it its socket.
          RuntimeDirectoryPreserve = true;
          Restart = mkForce "always";
          RestartSec = mkDefault "1s";
          # A fast shutdown writes a checkpoint.
          TimeoutStopSec = mkDefault "120s";
          NoNewPrivileges = true;
          ProtectHome = true;
        };
      };
    })
  ]);
}
