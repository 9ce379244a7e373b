# The mesh's control server: Headscale, which nothing but the ingresses reaches, over the control link.
#
# When it is down, the mesh goes on: machines that know each other keep talking. New ones cannot enrol, and changes of the
# policy wait. So there is one, and a backup of it, which is all that it is: a SQLite database and a private key.
#
# To restore one, on the Headscale host, with the archive decrypted by an operator:
#   systemctl stop headscale
#   tar --extract --gzip --file ARCHIVE --directory /var/lib/headscale && rm -f /var/lib/headscale/db.sqlite-{wal,shm}
#   chown -R headscale:headscale /var/lib/headscale && systemctl start headscale
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib)
    concatMapStringsSep
    escapeShellArg
    literalExpression
    mkDefault
    mkEnableOption
    mkIf
    mkMerge
    mkOption
    optional
    types
    ;

  sandbox = import ../lib/sandbox.nix;
  cfg = config.dinehub.headscale;
  cluster = config.dinehub.cluster;

  # Fixed in nixpkgs' module.
  stateDir = "/var/lib/headscale";
  # A path that stays: a changed policy is a reload, and no node loses its connection to the control server.
  policyPath = "dinehub-headscale/policy.json";
  linkUnit = "wg-quick-${config.dinehub.controlLink.interface}.service";

  encrypts = cfg.backup.recipients != [ ];
  recipientsFile = pkgs.writeText "dinehub-backup-recipients" (
    concatMapStringsSep "" (recipient: "${recipient}\n") cfg.backup.recipients
  );

  backupScript = ''
    set -o nounset -o pipefail
    cd "$RUNTIME_DIRECTORY"
    # SQLite's own copy: consistent while Headscale writes.
    sqlite3 ${stateDir}/db.sqlite ".timeout 30000" ".backup db.sqlite"
    answer="$(sqlite3 db.sqlite 'PRAGMA integrity_check;')"
    if [ "$answer" != ok ]; then
      echo "The copy of the database is damaged: $answer" >&2
      exit 1
    fi
    cp ${stateDir}/noise_private.key .

    name="$(date --utc +%Y%m%dT%H%M%SZ).tar.gz${if encrypts then ".age" else ""}"
    tar --create --gzip db.sqlite noise_private.key ${
      if encrypts then "| age --encrypt --recipients-file ${recipientsFile} " else ""
    }> "$name"
    aws s3 cp --only-show-errors "$name" ${escapeShellArg "s3://${cfg.backup.bucket}/${cfg.backup.prefix}"}"$name"
    echo "Stored as ${cfg.backup.prefix}$name."
  '';

  # As root, after every attempt, however it ended (systemd.exec(5), $SERVICE_RESULT).
  metricScript = pkgs.writeShellScript "dinehub-headscale-backup-metric" ''
    set -euo pipefail
    export PATH=${
      lib.makeBinPath [
        pkgs.coreutils
        pkgs.gnused
      ]
    }
    metric=${escapeShellArg cfg.backup.metricFile}
    success=0
    stored="$(sed --quiet 's/^dinehub_backup_last_success_timestamp_seconds{.*} //p' "$metric" 2>/dev/null || true)"
    if [ "''${SERVICE_RESULT-}" = success ]; then
      success=1
      stored="$(date +%s)"
    fi
    {
      echo '# HELP dinehub_backup_last_attempt_success Whether the last attempt at a backup on this machine went well.'
      echo '# TYPE dinehub_backup_last_attempt_success gauge'
      echo "dinehub_backup_last_attempt_success{group=\"headscale\"} $success"
      if [ -n "$stored" ]; then
        echo '# HELP dinehub_backup_last_success_timestamp_seconds When the newest backup of the group was made.'
        echo '# TYPE dinehub_backup_last_success_timestamp_seconds gauge'
        echo "dinehub_backup_last_success_timestamp_seconds{group=\"headscale\"} $stored"
      fi
    } > "$metric.new"
    chmod 0644 "$metric.new"
    mv "$metric.new" "$metric"
  '';
in
{
  imports = [
    ./cluster.nix
    ./control-link.nix
  ];

  options.dinehub.headscale = {
    enable = mkEnableOption "the mesh's control server (Headscale)";

    policyFile = mkOption {
      type = types.path;
      description = "Headscale's policy: the permitted connections on the mesh. A mesh without a policy would permit all.";
      example = literalExpression "../generated/headscale/policy.json";
    };

    controlDomain = mkOption {
      type = types.strMatching "[a-z0-9]([a-z0-9.-]*[a-z0-9])?";
      description = "The public name that machines reach it by, through an ingress. The cluster's, unless it is set.";
      example = "control.dinehub.example";
    };

    meshDomain = mkOption {
      type = types.strMatching "[a-z0-9]([a-z0-9.-]*[a-z0-9])?";
      description = "The domain of the machines' names. The cluster's, unless it is set.";
      example = "mesh.dinehub.example";
    };

    listenAddress = mkOption {
      type = types.strMatching "[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+";
      description = "Its address on the control link, and the only one that it listens on. The cluster's, unless it is set.";
      example = "10.254.0.1";
    };

    port = mkOption {
      type = types.port;
      default = config.dinehub.controlLink.controlPort;
      defaultText = literalExpression "config.dinehub.controlLink.controlPort";
      description = "Its port there.";
    };

    derpUrls = mkOption {
      type = types.listOf (types.strMatching "https://.+");
      default = [ "https://controlplane.tailscale.com/derpmap/default" ];
      description = ''
        Maps of the relays (DERP) that machines find each other by, and that carry their traffic, encrypted from end to
        end, when there is no direct path: Tailscale's public ones. The cluster's own machines talk directly, as the VPCs of
        its regions are peered and 41641/udp is open between them; relays matter for operators behind NAT, and while a
        path is looked for. A relay of Headscale's own would need 443/tcp and 3478/udp open on a host that has nothing open.
        Without any relay (an empty list) machines that have no direct path do not find each other.
      '';
    };

    backup = {
      enable = mkOption {
        type = types.bool;
        default = true;
        description = ''
          Whether the database and the noise key are copied to a bucket every day. Its metric is in `metricFile`, in the style
          of the database's backups, with `group="headscale"`. But Headscale is not on the mesh, so nothing scrapes it: a
          backup that fails is a failed unit (`systemctl --failed`, `journalctl -u dinehub-headscale-backup`), and what there
          is shows in the bucket: `aws s3 ls s3://BUCKET/headscale/`.
        '';
      };

      bucket = mkOption {
        type = types.str;
        description = "The bucket, which the instance's role may write to. The cluster's for backups, unless it is set.";
        example = "dinehub-example-backups";
      };

      region = mkOption {
        type = types.str;
        description = "Its region.";
        example = "eu-west-1";
      };

      prefix = mkOption {
        type = types.strMatching "([A-Za-z0-9._-]+/)*";
        default = "headscale/";
        description = "What the names of the backups begin with.";
      };

      recipients = mkOption {
        type = types.listOf (types.strMatching "(age1|ssh-)[^\n]+");
        default = [ ];
        description = ''
          Public keys (age) that the backup is encrypted to: the operators', which the flake takes from
          nix/secrets/recipients.json. Without any, the bucket's own encryption is all that guards the noise key.
        '';
        example = [ "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p" ];
      };

      schedule = mkOption {
        type = types.str;
        default = "daily";
        description = "When, as systemd.time(7) writes it.";
      };

      metricFile = mkOption {
        type = types.strMatching "/.+\\.prom";
        default = "/var/lib/dinehub-metrics/headscale-backup.prom";
        description = "The file with the metric, as node_exporter's textfile collector reads it.";
      };
    };
  };

  config = mkIf cfg.enable (mkMerge [
    {
      dinehub.headscale = {
        controlDomain = mkDefault cluster.controlDomain;
        meshDomain = mkDefault cluster.mesh.domain;
        listenAddress = mkDefault cluster.controlLink.headscaleAddress;
        backup.bucket = mkDefault cluster.buckets.backups.name;
        backup.region = mkDefault cluster.buckets.backups.region;
      };

      assertions = [
        {
          assertion = cfg.controlDomain != cfg.meshDomain && !lib.hasSuffix ".${cfg.meshDomain}" cfg.controlDomain;
          message = "dinehub.headscale.controlDomain: must not be in the mesh's domain '${cfg.meshDomain}', or Headscale refuses to start.";
        }
        {
          assertion = cfg.listenAddress != "0.0.0.0";
          message = "dinehub.headscale.listenAddress: the control link's address, not all of them.";
        }
        {
          assertion = cfg.port == config.dinehub.controlLink.controlPort;
          message = "dinehub.headscale.port: the control link opens ${toString config.dinehub.controlLink.controlPort} (dinehub.controlLink.controlPort).";
        }
        {
          assertion = config.networking.firewall.enable;
          message = "dinehub.headscale: networking.firewall must be on: it is for the ingresses only.";
        }
      ];

      services.headscale = {
        enable = true;
        address = cfg.listenAddress;
        port = cfg.port;
        settings = {
          server_url = "https://${cfg.controlDomain}";
          metrics_listen_addr = "127.0.0.1:9090";
          grpc_listen_addr = "127.0.0.1:50443";
          prefixes.v4 = cluster.mesh.addressRange;
          prefixes.v6 = cluster.mesh.addressRange6;
          policy = {
            mode = "file";
            path = "/etc/${policyPath}";
          };
          dns = {
            magic_dns = true;
            base_domain = cfg.meshDomain;
            # When the control server is gone, a machine's own name servers must still work.
            override_local_dns = false;
          };
          derp = {
            urls = cfg.derpUrls;
            server.enabled = false;
          };
          log.level = mkDefault "info";
        };
      };

      environment.etc.${policyPath}.source = cfg.policyFile;

      systemd.services.headscale = {
        # The address that it listens on is the link's.
        wants = [ linkUnit ];
        after = [ linkUnit ];
        reloadTriggers = [ cfg.policyFile ];
        unitConfig.RequiresMountsFor = stateDir;
        # It may come before the link, again and again: never given up.
        startLimitIntervalSec = 0;
        serviceConfig.ExecReload = "${pkgs.coreutils}/bin/kill -HUP $MAINPID";
      };
    }

    (mkIf cfg.backup.enable {
      warnings = optional (!encrypts) "dinehub.headscale.backup.recipients: is empty, so backups have Headscale's private key in the clear (beside the bucket's own encryption).";

      systemd.tmpfiles.settings."10-dinehub-metrics".${dirOf cfg.backup.metricFile}.d = {
        user = "root";
        group = "root";
        mode = "0755";
      };

      systemd.services.dinehub-headscale-backup = {
        description = "Copies Headscale's database and key to the bucket for backups";
        startAt = cfg.backup.schedule;
        wants = [ "network-online.target" ];
        after = [
          "network-online.target"
          "headscale.service"
        ];
        unitConfig.RequiresMountsFor = stateDir;
        path = [
          pkgs.sqlite
          pkgs.gnutar
          pkgs.gzip
          pkgs.age
          pkgs.awscli2
        ];
        environment = {
          AWS_REGION = cfg.backup.region;
          HOME = "/run/dinehub-headscale-backup";
        };
        script = backupScript;
        serviceConfig = sandbox // {
          Type = "oneshot";
          User = "headscale";
          Group = "headscale";
          RuntimeDirectory = "dinehub-headscale-backup";
          RuntimeDirectoryMode = "0700";
          TimeoutStartSec = "15min";
          ExecStopPost = "+${metricScript}";
          # SQLite keeps a file of its own beside a database that is read while it is written to.
          ReadWritePaths = [ stateDir ];
          RestrictAddressFamilies = [
            "AF_INET"
            "AF_INET6"
            "AF_UNIX"
          ];
        };
      };
      systemd.timers.dinehub-headscale-backup.timerConfig = {
        Persistent = true;
        RandomizedDelaySec = "1h";
      };
    })
  ]);
}
