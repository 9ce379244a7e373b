# What every machine of the cluster refuses: SSH from anywhere but the mesh and the machine itself, passwords, root,
# core dumps, updates outside a deployment, logs without end.
{
  config,
  lib,
  ...
}:

let
  inherit (lib)
    literalExpression
    mkDefault
    mkForce
    mkIf
    mkOption
    mkOverride
    types
    ;

  cfg = config.dinehub.hardening;

  # Stronger than nixpkgs' own defaults (mkDefault), which some of these have, weaker than what a host says.
  opinion = mkOverride 900;
in
{
  imports = [
    ./cluster.nix
    ./mesh-client.nix
  ];

  options.dinehub.hardening = {
    enable = mkOption {
      type = types.bool;
      default = config.dinehub.host.role != null;
      defaultText = literalExpression "config.dinehub.host.role != null";
      description = "Whether the machine is hardened: by default every machine of a topology.";
    };

    meshInterface = mkOption {
      type = types.str;
      default = "tailscale0";
      description = ''
        The mesh's interface: SSH is open there and nowhere else. The way that does not depend on the mesh is AWS Systems
        Manager: its agent, which the Amazon image has, connects outwards, and hands sessions to port 22 of the machine
        itself, from the machine itself.
      '';
    };

    automaticUpdates = {
      flake = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = ''
          Where the machine itself looks for its newest configuration each night, such as a branch that only gets security
          updates of nixpkgs (flake.lock) and that CI has built. Null, as it is unless an operator says otherwise: nothing
          changes on a machine but by a deployment, which is tried, and taken back when it fails.
        '';
        example = "git+https://git.example.org/dinehub?dir=nix&ref=security";
      };

      schedule = mkOption {
        type = types.str;
        default = "03:30";
        description = "When, as systemd.time(7) writes it. Up to an hour later, and not all machines at once.";
      };
    };

    journalMaxMiB = mkOption {
      type = types.ints.positive;
      default = 1024;
      description = "How much disk the journal takes at most, in MiB.";
    };

    journalMaxDays = mkOption {
      type = types.ints.positive;
      default = 30;
      description = "How long the journal is kept, in days.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = !config.services.openssh.openFirewall;
        message = "dinehub.hardening: services.openssh.openFirewall must be off: SSH is for the mesh only.";
      }
      {
        assertion = !lib.elem 22 config.networking.firewall.allowedTCPPorts;
        message = "dinehub.hardening: networking.firewall.allowedTCPPorts opens SSH to everybody.";
      }
    ];

    services.openssh = {
      enable = true;
      openFirewall = false;
      # Only keys that are deployed count: what somebody leaves in a home folder, or EC2 in root's, does not.
      authorizedKeysInHomedir = false;
      settings = {
        # Operators sign in by their own names, so that the journal tells who it was. The Amazon image permits root.
        PermitRootLogin = mkForce "no";
        PasswordAuthentication = false;
        KbdInteractiveAuthentication = false;
        AllowGroups = [ "wheel" ];
        X11Forwarding = mkDefault false;
        AllowAgentForwarding = mkDefault false;
        AllowStreamLocalForwarding = mkDefault false;
        # Grafana and Prometheus may be looked at through a tunnel; nothing else on the machine is of use to one.
        AllowTcpForwarding = mkDefault "local";
        LoginGraceTime = mkDefault 30;
        ClientAliveInterval = mkDefault 60;
        LogLevel = mkDefault "VERBOSE";
      };
    };
    networking.firewall.interfaces = mkIf config.dinehub.meshClient.enable {
      ${cfg.meshInterface}.allowedTCPPorts = config.services.openssh.ports;
    };
    networking.nftables.enable = mkDefault true;
    networking.firewall.logRefusedConnections = mkDefault false;

    users.mutableUsers = mkDefault false;
    users.users.root.hashedPassword = mkDefault "!";

    system.autoUpgrade = {
      enable = mkDefault (cfg.automaticUpdates.flake != null);
      flake = mkDefault cfg.automaticUpdates.flake;
      # As flake.lock has it: what was built and tested is what runs.
      upgrade = mkDefault false;
      dates = mkDefault cfg.automaticUpdates.schedule;
      randomizedDelaySec = mkDefault "1h";
      # Each machine at the same time as the night before, so that a bad update is seen on the first.
      fixedRandomDelay = mkDefault true;
    };

    # Memory has tokens, personal data and keys in it.
    systemd.coredump.enable = mkDefault false;
    security.pam.loginLimits = [
      {
        domain = "*";
        type = "hard";
        item = "core";
        value = "0";
      }
    ];

    boot.kernel.sysctl = {
      # To a program that reads nothing: also what does not heed the limit, such as a service, leaves no core.
      "kernel.core_pattern" = opinion "|/run/current-system/sw/bin/false";
      "fs.suid_dumpable" = opinion 0;
      "kernel.dmesg_restrict" = opinion 1;
      "kernel.kptr_restrict" = opinion 2;
      "kernel.sysrq" = opinion 0;
      "kernel.unprivileged_bpf_disabled" = opinion 1;
      "kernel.yama.ptrace_scope" = opinion 1;
      "net.core.bpf_jit_harden" = opinion 2;
      # Addresses and routes come from the VPC and the mesh only.
      "net.ipv4.conf.all.accept_redirects" = opinion false;
      "net.ipv4.conf.default.accept_redirects" = opinion false;
      "net.ipv4.conf.all.secure_redirects" = opinion false;
      "net.ipv4.conf.default.secure_redirects" = opinion false;
      "net.ipv4.conf.all.send_redirects" = opinion false;
      "net.ipv4.conf.default.send_redirects" = opinion false;
      "net.ipv6.conf.all.accept_redirects" = opinion false;
      "net.ipv6.conf.default.accept_redirects" = opinion false;
      "net.ipv4.conf.all.accept_source_route" = opinion false;
      "net.ipv6.conf.all.accept_source_route" = opinion false;
      "net.ipv4.tcp_syncookies" = opinion true;
      # A peer that is gone is given up after 100 s, which RFC 1122 has as the least, and not after a quarter of an hour.
      "net.ipv4.tcp_retries2" = opinion 8;
    };

    # A file of its own: whatever nixpkgs writes to journald.conf, this is read after it.
    environment.etc."systemd/journald.conf.d/10-dinehub.conf".text = ''
      [Journal]
      SystemMaxUse=${toString cfg.journalMaxMiB}M
      SystemKeepFree=1G
      MaxRetentionSec=${toString cfg.journalMaxDays}day
      MaxFileSec=1day
    '';
    systemd.services.systemd-journald.restartTriggers = [
      config.environment.etc."systemd/journald.conf.d/10-dinehub.conf".source
    ];
  };
}
