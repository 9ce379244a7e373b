# Backups of the database server of this machine, by pgBackRest to object storage, as `DineHub.Api db` makes them
# (docs/backups.md): a full one each week, a differential one each day, the WAL as it is written, and each hour a point that
# the whole cluster can be restored to. The same timers run on a primary's and on a standby's machine: who the primary is is
# found out at run time.
#
# What the repository holds is told to Prometheus after each attempt; the alerts are in nix/generated/prometheus/rules.yaml.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib)
    concatStringsSep
    escapeShellArg
    literalExpression
    mkDefault
    mkEnableOption
    mkIf
    mkMerge
    mkOption
    optional
    optionalString
    types
    ;

  sandbox = import ../lib/sandbox.nix;
  cfg = config.dinehub.backup;
  postgres = config.dinehub.postgres;
  byVote = postgres.patroni.enable;

  home = dirOf postgres.dataDir;
  stateDirectory = "/var/lib/dinehub-backup";
  postgresBin =
    if byVote then
      config.services.patroni.postgresqlPackage
    else
      config.services.postgresql.finalPackage;

  # What pgBackRest runs, and `db` runs it by.
  programs = [
    pkgs.pgbackrest
    pkgs.coreutils
    pkgs.util-linux
    postgresBin
  ];

  environment = {
    Database__Backups__FullBackups = toString cfg.keepFull;
    Database__Backups__DifferentialBackups = toString cfg.keepDifferential;
    Database__Servers__0__Name = postgres.nodeName;
    Database__Servers__0__DataDirectory = postgres.dataDir;
    Database__Servers__0__SocketDirectory = cfg.socketDirectory;
    Database__BinDirectory = "${postgresBin}/bin";
  }
  // (
    if cfg.repository.directory != null then
      { Database__Backups__Directory = cfg.repository.directory; }
    else
      {
        Database__Backups__S3__Bucket = cfg.repository.s3.bucket;
        Database__Backups__S3__Region = cfg.repository.s3.region;
        Database__Backups__S3__Endpoint = cfg.repository.s3.endpoint;
        Database__Backups__S3__Prefix = cfg.repository.s3.prefix;
      }
  );

  # A verb and what follows it, as the data's owner.
  verbScript = pkgs.writeShellScript "dinehub-backup" ''
    set -euo pipefail
    ${postgres.verbEnvironment}
    Database__Backups__Passphrase="$(cat "$CREDENTIALS_DIRECTORY/backup-passphrase")"
    export Database__Backups__Passphrase
    ${postgres.backend}/bin/DineHub.Api db "$@"
  '';

  # The repository is asked, and not the clock: a standby's machine makes no backups, and tells the truth all the same.
  backupScript = pkgs.writeShellScript "dinehub-backup-and-measure" ''
    set -euo pipefail
    ${verbScript} backup --type "$1"
    PGBACKREST_REPO1_CIPHER_PASS="$(cat "$CREDENTIALS_DIRECTORY/backup-passphrase")"
    export PGBACKREST_REPO1_CIPHER_PASS
    pgbackrest --config=${home}/pgbackrest/pgbackrest.conf --stanza=${escapeShellArg postgres.group} info --output=json |
      ${pkgs.jq}/bin/jq --raw-output '[.[].backup[]?.timestamp.stop] | max // empty' > "$STATE_DIRECTORY/newest.new"
    mv "$STATE_DIRECTORY/newest.new" "$STATE_DIRECTORY/newest"
    touch "$STATE_DIRECTORY/made"
  '';

  # As root, after every attempt, however it ended (systemd.exec(5), $SERVICE_RESULT).
  metricsScript = pkgs.writeShellScript "dinehub-backup-metrics" ''
    set -euo pipefail
    export PATH=${
      lib.makeBinPath [
        pkgs.coreutils
        pkgs.gnugrep
      ]
    }
    success=0
    if [ "''${SERVICE_RESULT-}" = success ]; then
      success=1
    fi
    newest="$(grep --no-messages --max-count=1 --only-matching --line-regexp '[0-9]\{1,12\}' ${stateDirectory}/newest || true)"
    labels=${escapeShellArg ''{group="${postgres.group}"}''}
    file=${escapeShellArg "${cfg.metricsDirectory}/dinehub-backup.prom"}
    {
      echo '# HELP dinehub_backup_last_attempt_success Whether the last attempt at a backup on this machine went well.'
      echo '# TYPE dinehub_backup_last_attempt_success gauge'
      echo "dinehub_backup_last_attempt_success$labels $success"
      echo '# HELP dinehub_backup_last_attempt_timestamp_seconds When the last attempt at a backup on this machine ended.'
      echo '# TYPE dinehub_backup_last_attempt_timestamp_seconds gauge'
      echo "dinehub_backup_last_attempt_timestamp_seconds$labels $(date +%s)"
      if [ -n "$newest" ]; then
        echo '# HELP dinehub_backup_last_success_timestamp_seconds When the newest backup of the group in the repository was made.'
        echo '# TYPE dinehub_backup_last_success_timestamp_seconds gauge'
        echo "dinehub_backup_last_success_timestamp_seconds$labels $newest"
      fi
    } > "$file.new"
    chmod 0644 "$file.new"
    mv "$file.new" "$file"
  '';

  # Only on the machine of the coordinator's primary, whichever of the two that is.
  isPrimaryScript = pkgs.writeShellScript "dinehub-is-primary" ''
    test -e ${escapeShellArg "${postgres.dataDir}/PG_VERSION"} && test ! -e ${escapeShellArg "${postgres.dataDir}/standby.signal"}
  '';

  # `sudo dinehub-restore --to TARGET`, on each machine with the same target: docs/backups.md, "Restoring the cluster".
  restoreScript = pkgs.writeShellScriptBin "dinehub-restore" ''
    set -euo pipefail
    ${
      if byVote then
        ''
          echo "Patroni keeps this server: switch dinehub.postgres.patroni off in the whole cluster, deploy, and restore then (docs/failover.md)." >&2
          exit 1
        ''
      else
        restoreSteps
    }
  '';

  restoreSteps = ''
    case "''${1-}" in
      --to) ;;
      *)
        echo "usage: dinehub-restore --to TIME | POINT | latest" >&2
        echo "All ingresses' traffic, all backends and all database servers are to be stopped before, standbys last." >&2
        exit 2
        ;;
    esac
    if [ "$(id -u)" != 0 ]; then
      echo "dinehub-restore: as root, please." >&2
      exit 1
    fi
    # Nothing starts the server, and no timer touches it, while its files are replaced.
    systemctl stop ${concatStringsSep " " (map (name: "${name}.timer") timers)}
    systemctl stop ${concatStringsSep " " (map (name: "${name}.service") timers)}${optionalString hasKeeper " dinehub-db-keeper.service"}
    systemctl stop postgresql.service
    dinehub-db restore "$@"
    echo "Restored. When every machine is: 'systemctl start postgresql.target' on each, primaries first; then 'dinehub-db migrate'"
    echo "on one; then 'systemctl start ${
      concatStringsSep " " (map (name: "${name}.timer") timers)
    }${optionalString hasKeeper " dinehub-db-keeper.service"}' on each; then the backends; then 'systemctl start dinehub-backup-full'."
  '';

  hasKeeper = lib.any (standby: standby.follows == postgres.group) postgres.standbys;
  isCoordinators = postgres.group == postgres.coordinator.name;

  timers = [
    "dinehub-backup-full"
    "dinehub-backup-differential"
    "dinehub-backup-first"
  ]
  ++ optional isCoordinators "dinehub-restore-point";

  unit = description: more: {
    inherit description;
    wants = [ "network-online.target" ];
    after = [
      "network-online.target"
      "postgresql.service"
      "patroni.service"
    ];
    path = programs;
    inherit environment;
    unitConfig.RequiresMountsFor = home;
    serviceConfig = mkMerge [
      sandbox
      {
        Type = "oneshot";
        User = "postgres";
        Group = "postgres";
        LoadCredential = [
          "superuser-password:${postgres.secrets.superuserPasswordFile}"
          "backup-passphrase:${toString postgres.secrets.backupPassphraseFile}"
        ];
        StateDirectory = "dinehub-backup";
        StateDirectoryMode = "0700";
        ReadWritePaths = [
          home
        ]
        ++ optional (cfg.repository.directory != null) cfg.repository.directory;

        # Orders come first.
        CPUSchedulingPolicy = "batch";
        IOSchedulingClass = "idle";
        Nice = 10;
        MemoryHigh = mkDefault "512M";
        TasksMax = mkDefault 128;

        AmbientCapabilities = "";
        KeyringMode = "private";
        ProtectProc = "invisible";
        RestrictAddressFamilies = [
          "AF_INET"
          "AF_INET6"
          "AF_UNIX"
          "AF_NETLINK"
        ];
        SystemCallFilter = [
          "@system-service"
          "~@privileged"
        ];
      }
      more
    ];
  };

  backupUnit =
    description: type:
    unit description {
      ExecStart = "${backupScript} ${type}";
      ExecStopPost = "+${metricsScript}";
      TimeoutStartSec = "infinity";
    };
in
{
  imports = [
    ./cluster.nix
    ./node-exporter.nix
    ./postgres-service.nix
  ];

  options.dinehub.backup = {
    enable = mkEnableOption "backups of this machine's database server";

    repository = {
      s3 = {
        bucket = mkOption {
          type = types.str;
          default = config.dinehub.cluster.buckets.backups.name;
          defaultText = literalExpression "config.dinehub.cluster.buckets.backups.name";
          description = "The bucket. It is reached with the instance's role: there are no keys.";
        };
        region = mkOption {
          type = types.str;
          default = config.dinehub.cluster.buckets.backups.region;
          defaultText = literalExpression "config.dinehub.cluster.buckets.backups.region";
          description = "Its region.";
        };
        endpoint = mkOption {
          type = types.str;
          default = "s3.${cfg.repository.s3.region}.amazonaws.com";
          defaultText = literalExpression ''"s3.''${region}.amazonaws.com"'';
          description = "The host that serves it.";
        };
        prefix = mkOption {
          type = types.strMatching "/.+";
          default = "/dinehub";
          description = "The path in the bucket. The machines' roles may use `dinehub` there and what is below it (iam.tf.json), and nothing else.";
        };
      };

      directory = mkOption {
        type = types.nullOr (types.strMatching "/.+");
        default = null;
        description = "A folder that `postgres` may write to, in place of the bucket: a mounted file system, or for tests.";
      };
    };

    socketDirectory = mkOption {
      type = types.strMatching "/.+";
      default = if byVote then "/run/patroni" else home;
      defaultText = literalExpression "dirOf config.dinehub.postgres.dataDir";
      description = "Where the server's unix socket is. pgBackRest connects to no other.";
    };

    keepFull = mkOption {
      type = types.ints.between 1 1000;
      default = 4;
      description = "Full backups to keep. Older ones go, with the WAL that only they need: as many weeks one can go back.";
    };

    keepDifferential = mkOption {
      type = types.ints.between 1 1000;
      default = 14;
      description = "Differential backups to keep.";
    };

    fullSchedule = mkOption {
      type = types.str;
      default = "Sun 02:00";
      description = "When full backups are made (systemd.time(7), UTC unless the machine's clock says otherwise).";
    };

    differentialSchedule = mkOption {
      type = types.str;
      default = "Mon..Sat 02:00";
      description = "When differential backups are made.";
    };

    restorePointSchedule = mkOption {
      type = types.str;
      default = "hourly";
      description = "When restore points of the whole cluster are made, by the machine of the coordinator's primary.";
    };

    metricsDirectory = mkOption {
      type = types.strMatching "/.+";
      default = config.dinehub.nodeExporter.textfileDirectory;
      defaultText = literalExpression "config.dinehub.nodeExporter.textfileDirectory";
      description = "Where the node exporter finds metrics in files.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = postgres.enable;
        message = "dinehub.backup: this machine has no database server (dinehub.postgres.enable).";
      }
      {
        assertion = postgres.secrets.backupPassphraseFile != null;
        message = "dinehub.backup: dinehub.postgres.secrets.backupPassphraseFile is required: without it no backup is made, and none can be read.";
      }
    ];

    dinehub.postgres = {
      archive.enable = mkDefault true;
      operator = {
        inherit environment;
        secretFiles.Database__Backups__Passphrase = mkIf (
          postgres.secrets.backupPassphraseFile != null
        ) postgres.secrets.backupPassphraseFile;
        path = programs;
      };
    };

    environment.systemPackages = [
      pkgs.pgbackrest
      restoreScript
    ];

    systemd.tmpfiles.settings."10-dinehub-backup" = mkIf (cfg.repository.directory != null) {
      ${cfg.repository.directory}.d = {
        user = "postgres";
        group = "postgres";
        mode = "0700";
      };
    };

    systemd.services = {
      # The archive command of the server writes there, too.
      postgresql = mkIf (!byVote && cfg.repository.directory != null) {
        serviceConfig.ReadWritePaths = lib.mkForce [ cfg.repository.directory ];
      };

      dinehub-backup-full = backupUnit "Full backup of ${postgres.group}" "Full";
      dinehub-backup-differential =
        backupUnit "Differential backup of ${postgres.group}"
          "Differential";

      # The archive begins with the first backup: a new machine does not wait for the night. Until it went well it is tried
      # again, as there is no database before the first `dinehub-db migrate`.
      dinehub-backup-first = mkMerge [
        (backupUnit "First backup of ${postgres.group}" "Differential")
        { unitConfig.ConditionPathExists = "!${stateDirectory}/made"; }
      ];

      dinehub-restore-point = mkIf isCoordinators (
        unit "Restore point of the cluster" {
          ExecCondition = isPrimaryScript;
          ExecStart = "${verbScript} restore-point hourly";
          TimeoutStartSec = "15min";
        }
      );
    };

    systemd.timers = {
      dinehub-backup-full = {
        wantedBy = [ "timers.target" ];
        timerConfig = {
          OnCalendar = cfg.fullSchedule;
          # Not all groups at once, and each machine at the same time as last week.
          RandomizedDelaySec = "45min";
          FixedRandomDelay = true;
          Persistent = true;
        };
      };
      dinehub-backup-differential = {
        wantedBy = [ "timers.target" ];
        timerConfig = {
          OnCalendar = cfg.differentialSchedule;
          RandomizedDelaySec = "45min";
          FixedRandomDelay = true;
          Persistent = true;
        };
      };
      dinehub-backup-first = {
        wantedBy = [ "timers.target" ];
        timerConfig = {
          OnActiveSec = "5min";
          OnUnitInactiveSec = "10min";
        };
      };
      dinehub-restore-point = mkIf isCoordinators {
        wantedBy = [ "timers.target" ];
        timerConfig = {
          OnCalendar = cfg.restorePointSchedule;
          RandomizedDelaySec = "5min";
          FixedRandomDelay = true;
        };
      };
    };
  };
}
