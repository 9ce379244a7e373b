# Prometheus' node exporter: what each machine of the mesh says of itself, its units included, and the metrics that jobs leave
# in files. On every host but Headscale's, which is not on the mesh.
{
  config,
  lib,
  ...
}:

let
  inherit (lib)
    elem
    mkDefault
    mkIf
    mkOption
    types
    ;

  cfg = config.dinehub.nodeExporter;
in
{
  imports = [ ./cluster.nix ];

  options.dinehub.nodeExporter = {
    enable = mkOption {
      type = types.bool;
      default = !elem config.dinehub.host.role [
        null
        "headscale"
      ];
      defaultText = "on every machine of a topology but Headscale's";
      description = "Whether the node exporter runs, for the mesh only.";
    };

    port = mkOption {
      type = types.port;
      default = 9100;
      description = "Its port.";
    };

    textfileDirectory = mkOption {
      type = types.strMatching "/.+";
      default = "/var/lib/dinehub-metrics";
      description = "Where jobs leave metrics (`NAME.prom`, moved there whole). root's, and everybody may read it.";
    };

    meshInterface = mkOption {
      type = types.str;
      default = "tailscale0";
      description = "The mesh's interface: the firewall opens the port there and nowhere else.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = config.networking.firewall.enable;
        message = "dinehub.nodeExporter: networking.firewall must be on: the metrics are for the mesh only.";
      }
    ];

    services.prometheus.exporters.node = {
      enable = true;
      port = cfg.port;
      enabledCollectors = [
        "systemd"
        "textfile"
      ];
      extraFlags = [
        "--collector.textfile.directory=${cfg.textfileDirectory}"
        # Starts of units, by which a service that comes and goes is seen.
        "--collector.systemd.enable-restarts-metrics"
      ];
    };
    systemd.services.prometheus-node-exporter.serviceConfig.MemoryMax = mkDefault "128M";

    systemd.tmpfiles.settings."10-dinehub-metrics".${cfg.textfileDirectory}.d = {
      user = "root";
      group = "root";
      mode = "0755";
    };

    networking.firewall.interfaces.${cfg.meshInterface}.allowedTCPPorts = [ cfg.port ];
  };
}
