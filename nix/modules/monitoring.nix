# The monitoring host: Prometheus, Alertmanager, Grafana and the blackbox exporter. What is asked for metrics, what is alerted
# on and what is shown is generated (nix/generated); here is how it runs. Only operators reach it, over the mesh.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib)
    elem
    literalExpression
    mkDefault
    mkEnableOption
    mkIf
    mkMerge
    mkOption
    types
    ;

  cfg = config.dinehub.monitoring;
  cluster = config.dinehub.cluster;
  hasSecret = name: elem name config.dinehub.secrets.names;

  # A string and not a path: a path would be copied to the store, which everybody can read.
  secretFile = types.strMatching "/.+";

  # One job a file: `node.json` is the job `node`.
  jobs = map (lib.removeSuffix ".json") (
    lib.filter (lib.hasSuffix ".json") (lib.attrNames (builtins.readDir cfg.targets))
  );

  fileJob = job: {
    job_name = job;
    file_sd_configs = [ { files = [ "${cfg.targets}/${job}.json" ]; } ];
  };

  local = port: "127.0.0.1:${toString port}";

  ownJob = job: port: {
    job_name = job;
    static_configs = [ { targets = [ (local port) ]; } ];
  };

  blackboxPort = config.services.prometheus.exporters.blackbox.port;

  credential = unit: name: "/run/credentials/${unit}.service/${name}";
in
{
  imports = [
    ./cluster.nix
    ./node-exporter.nix
    ./secrets.nix
  ];

  options.dinehub.monitoring = {
    enable = mkEnableOption "the monitoring host (Prometheus, Alertmanager, Grafana)";

    targets = mkOption {
      type = types.path;
      description = "A folder of JSON files, each a list of `{ targets, labels }`: a job of Prometheus, by the file's name.";
      example = literalExpression "../generated/prometheus/targets";
    };

    rules = mkOption {
      type = types.path;
      description = "Prometheus' alert rules. Checked by promtool when the host is built.";
      example = literalExpression "../generated/prometheus/rules.yaml";
    };

    dashboards = mkOption {
      type = types.path;
      description = "A folder of Grafana's dashboards, JSON.";
      example = literalExpression "../generated/grafana";
    };

    clusterName = mkOption {
      type = types.str;
      description = "What metrics and alerts are labelled by (`cluster`). The cluster's name, unless it is set.";
      example = "dinehub";
    };

    domain = mkOption {
      type = types.str;
      description = "The name that operators' browsers ask Grafana by. Its name on the mesh, unless it is set.";
      example = "monitoring.mesh.dinehub.example";
    };

    probes = mkOption {
      type = types.listOf (types.strMatching "https://.+");
      description = ''
        Addresses that are asked as a customer would ask, all along: any answer below 400 is well. The public name and that of
        the control server, unless it is set.
      '';
      example = [ "https://dinehub.example/" ];
    };

    retentionDays = mkOption {
      type = types.ints.between 1 3650;
      default = 30;
      description = "How long metrics are kept, in days.";
    };

    retentionSize = mkOption {
      type = types.strMatching "[0-9]+(MB|GB|TB)";
      default = "20GB";
      description = "How much they may take on the disk at most: the oldest go first.";
    };

    ports = {
      prometheus = mkOption {
        type = types.port;
        default = 9090;
        description = "Prometheus' port.";
      };
      alertmanager = mkOption {
        type = types.port;
        default = 9093;
        description = "Alertmanager's port.";
      };
      grafana = mkOption {
        type = types.port;
        default = 3000;
        description = "Grafana's port.";
      };
    };

    meshInterface = mkOption {
      type = types.str;
      default = "tailscale0";
      description = "The mesh's interface: the firewall opens the ports there and nowhere else.";
    };

    secrets = {
      grafanaAdminPasswordFile = mkOption {
        type = secretFile;
        description = "File with the password of Grafana's `admin`, at run time. Counts when Grafana starts first.";
        example = "/run/secrets/grafana/admin-password";
      };
      grafanaSecretKeyFile = mkOption {
        type = secretFile;
        description = "File with the key that Grafana encrypts its own secrets by, at run time.";
        example = "/run/secrets/grafana/secret-key";
      };
      alertmanagerWebhookUrlFile = mkOption {
        type = secretFile;
        description = "File with the URL that alerts are posted to, at run time. A secret: it is all that posting needs.";
        example = "/run/secrets/alertmanager/webhook-url";
      };
    };
  };

  config = mkIf cfg.enable (mkMerge [
    {
      dinehub.monitoring = {
        clusterName = mkDefault cluster.name;
        domain = mkDefault "${config.networking.hostName}.${cluster.mesh.domain}";
        probes = mkDefault [
          "https://${cluster.domain}/"
          "https://${cluster.controlDomain}/health"
        ];
      };

      assertions = [
        {
          assertion = config.networking.firewall.enable;
          message = "dinehub.monitoring: networking.firewall must be on: Prometheus and Alertmanager ask for no password.";
        }
        {
          assertion = lib.all (path: !lib.hasPrefix "${builtins.storeDir}/" path) (lib.attrValues cfg.secrets);
          message = "dinehub.monitoring.secrets: a secret must not be in the store, which everybody can read; name a file that is there at run time, such as sops.secrets.<name>.path.";
        }
        {
          assertion = jobs != [ ];
          message = "dinehub.monitoring.targets: there is no .json file in ${toString cfg.targets}.";
        }
      ];

      networking.firewall.interfaces.${cfg.meshInterface}.allowedTCPPorts = [
        cfg.ports.prometheus
        cfg.ports.alertmanager
        cfg.ports.grafana
      ];

      # --- Prometheus ---

      services.prometheus = {
        enable = true;
        port = cfg.ports.prometheus;
        # The targets' files are in the store: a changed one is another configuration, and a reload.
        enableReload = true;
        retentionTime = "${toString cfg.retentionDays}d";
        extraFlags = [ "--storage.tsdb.retention.size=${cfg.retentionSize}" ];
        ruleFiles = [ cfg.rules ];

        globalConfig = {
          scrape_interval = mkDefault "15s";
          evaluation_interval = mkDefault "15s";
          external_labels.cluster = mkDefault cfg.clusterName;
        };

        scrapeConfigs = map fileJob jobs ++ [
          (ownJob "prometheus" cfg.ports.prometheus)
          (ownJob "alertmanager" cfg.ports.alertmanager)
          (ownJob "grafana" cfg.ports.grafana)
          {
            job_name = "blackbox";
            metrics_path = "/probe";
            scrape_interval = "30s";
            params.module = [ "https" ];
            static_configs = [ { targets = cfg.probes; } ];
            # Asked is the exporter; what it is to ask is a parameter (Prometheus' guide "multi-target exporter").
            relabel_configs = [
              {
                source_labels = [ "__address__" ];
                target_label = "__param_target";
              }
              {
                source_labels = [ "__param_target" ];
                target_label = "instance";
              }
              {
                target_label = "__address__";
                replacement = local blackboxPort;
              }
            ];
          }
        ];

        alertmanagers = [ { static_configs = [ { targets = [ (local cfg.ports.alertmanager) ]; } ]; } ];
      };

      # --- Alertmanager ---

      services.prometheus.alertmanager = {
        enable = true;
        port = cfg.ports.alertmanager;
        # A single instance: no gossip, no cluster port.
        extraFlags = [ "--cluster.listen-address=" ];
        # Whole: who has other receivers has other routes.
        configuration = mkDefault {
          route = {
            receiver = "operators";
            group_by = [
              "alertname"
              "region"
            ];
            group_wait = "30s";
            group_interval = "5m";
            repeat_interval = "4h";
          };
          receivers = [
            {
              name = "operators";
              webhook_configs = [
                {
                  url_file = credential "alertmanager" "webhook-url";
                  send_resolved = true;
                }
              ];
            }
          ];
        };
      };
      systemd.services.alertmanager.serviceConfig.LoadCredential = [
        "webhook-url:${cfg.secrets.alertmanagerWebhookUrlFile}"
      ];

      # --- Blackbox: what the world sees ---

      services.prometheus.exporters.blackbox = {
        enable = true;
        listenAddress = "127.0.0.1";
        configFile = pkgs.writeText "dinehub-blackbox.yml" (
          builtins.toJSON {
            modules.https = {
              prober = "http";
              timeout = "9s";
              http = {
                fail_if_not_ssl = true;
                follow_redirects = true;
                preferred_ip_protocol = "ip4";
              };
            };
          }
        );
      };

      # --- Grafana ---

      services.grafana = {
        enable = true;
        settings = {
          server = {
            http_addr = "0.0.0.0";
            http_port = cfg.ports.grafana;
            domain = mkDefault cfg.domain;
          };
          security = {
            admin_user = mkDefault "admin";
            admin_password = "$__file{${credential "grafana" "admin-password"}}";
            secret_key = "$__file{${credential "grafana" "secret-key"}}";
            disable_gravatar = mkDefault true;
            cookie_samesite = mkDefault "strict";
          };
          "auth.anonymous".enabled = false;
          users = {
            allow_sign_up = mkDefault false;
            allow_org_create = mkDefault false;
            viewers_can_edit = mkDefault false;
          };
          analytics = {
            reporting_enabled = mkDefault false;
            check_for_updates = mkDefault false;
            check_for_plugin_updates = mkDefault false;
          };
        };
        provision = {
          enable = true;
          datasources.settings = {
            apiVersion = 1;
            datasources = [
              {
                name = "Prometheus";
                # What the dashboards name.
                uid = "prometheus";
                type = "prometheus";
                access = "proxy";
                url = "http://${local cfg.ports.prometheus}";
                isDefault = true;
              }
            ];
          };
          dashboards.settings = {
            apiVersion = 1;
            providers = [
              {
                name = "DineHub";
                type = "file";
                disableDeletion = true;
                allowUiUpdates = false;
                options.path = cfg.dashboards;
              }
            ];
          };
        };
      };
      systemd.services.grafana.serviceConfig.LoadCredential = [
        "admin-password:${cfg.secrets.grafanaAdminPasswordFile}"
        "secret-key:${cfg.secrets.grafanaSecretKeyFile}"
      ];
    }

    # Where the host has the secrets (nix/secrets, dinehub.secrets.names).
    (mkIf (hasSecret "grafana/admin-password") {
      dinehub.monitoring.secrets.grafanaAdminPasswordFile =
        mkDefault
          config.sops.secrets."grafana/admin-password".path;
    })
    (mkIf (hasSecret "grafana/secret-key") {
      dinehub.monitoring.secrets.grafanaSecretKeyFile =
        mkDefault
          config.sops.secrets."grafana/secret-key".path;
    })
    (mkIf (hasSecret "alertmanager/webhook-url") {
      dinehub.monitoring.secrets.alertmanagerWebhookUrlFile =
        mkDefault
          config.sops.secrets."alertmanager/webhook-url".path;
    })
  ]);
}
