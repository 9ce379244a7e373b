# A machine on the mesh: Tailscale's client with Headscale as its control server.
#
# Enrolment is by a key that is used once: the bootstrap makes it on the Headscale host, puts it into `authKeyFile`,
# starts tailscaled-autoconnect and removes it. The machine's own key stays in /var/lib/tailscale; nothing of it is
# configuration. docs/networking.md has the whole of it.
{
  config,
  lib,
  ...
}:

let
  inherit (lib)
    literalExpression
    mkDefault
    mkEnableOption
    mkIf
    mkOption
    types
    ;

  cfg = config.dinehub.meshClient;
in
{
  imports = [
    ./cluster.nix
    ./ingress.nix
  ];

  options.dinehub.meshClient = {
    enable = mkEnableOption "the mesh (Tailscale's client, controlled by Headscale)";

    controlDomain = mkOption {
      type = types.strMatching "[a-z0-9]([a-z0-9.-]*[a-z0-9])?";
      description = "The public name of the control server. Of the cluster, unless it is set.";
      example = "control.dinehub.example";
    };

    relaysControl = mkOption {
      type = types.bool;
      default = config.dinehub.ingress.enable && config.dinehub.ingress.controlDomain != null;
      defaultText = literalExpression "config.dinehub.ingress.enable && config.dinehub.ingress.controlDomain != null";
      description = ''
        Whether this machine itself relays to the control server, as ingresses do. It then uses its own relay: the public
        name may lead to another ingress, or, before the first one is up, nowhere.
      '';
    };

    authKeyFile = mkOption {
      type = types.strMatching "/.+";
      default = "/var/lib/dinehub-mesh/auth-key";
      description = "Where the key for the enrolment is put, on the machine. There only while it enrols.";
    };

    port = mkOption {
      type = types.port;
      default = 41641;
      description = "The UDP port of WireGuard, which is open to the internet: peers without a key get no answer.";
    };

    interface = mkOption {
      type = types.str;
      default = "tailscale0";
      description = "The mesh's interface.";
    };
  };

  config = mkIf cfg.enable {
    dinehub.meshClient.controlDomain = mkDefault config.dinehub.cluster.controlDomain;

    assertions = [
      {
        assertion = !config.services.headscale.enable;
        message = "dinehub.meshClient: Headscale and its own client on one machine is nothing that Headscale supports.";
      }
      {
        assertion = !lib.hasPrefix "${builtins.storeDir}/" cfg.authKeyFile;
        message = "dinehub.meshClient.authKeyFile: must not be in the store, which everybody can read.";
      }
    ];

    services.tailscale = {
      enable = true;
      port = cfg.port;
      interfaceName = cfg.interface;
      openFirewall = true;
      authKeyFile = cfg.authKeyFile;
      extraUpFlags = [
        "--login-server=https://${cfg.controlDomain}"
        "--hostname=${config.networking.hostName}"
        # The names of the mesh; other names go on being asked of the machine's own servers.
        "--accept-dns=true"
        # No other machine may announce a subnet for this machine's traffic.
        "--accept-routes=false"
      ];
      # The client would send its logs to Tailscale.
      extraDaemonFlags = [ "--no-logs-no-support" ];
      useRoutingFeatures = mkDefault "none";
    };

    systemd.services.tailscaled = {
      # Deployments come over the mesh, and would cut themselves off. A new version runs after the next boot, or by
      # `systemctl restart tailscaled` over AWS Systems Manager.
      restartIfChanged = false;
      # The kernel has no iptables where the firewall is nftables.
      environment.TS_DEBUG_FIREWALL_MODE = mkIf config.networking.nftables.enable "nftables";
    };

    systemd.services.tailscaled-autoconnect = {
      restartIfChanged = false;
      # Before the enrolment there is no key, after it none is needed. Without this, every start would wait for one.
      unitConfig.ConditionPathExists = cfg.authKeyFile;
      serviceConfig.TimeoutStartSec = "120s";
    };

    systemd.tmpfiles.settings."10-dinehub-mesh".${dirOf cfg.authKeyFile}.d = {
      user = "root";
      group = "root";
      mode = "0700";
    };

    # Names of the mesh to the mesh, all others where they went before: that division is resolved's to make.
    services.resolved.enable = mkDefault true;

    networking.hosts = mkIf cfg.relaysControl { "127.0.0.1" = [ cfg.controlDomain ]; };
  };
}
