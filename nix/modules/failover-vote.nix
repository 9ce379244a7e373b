# One voice in the vote on who is a group's primary: an etcd member on each of three sites, for Patroni
# (dinehub.postgres.patroni). Two database regions and a third one that holds no data, such as the monitoring host's:
# with two sites neither could tell "the other is down" from "I am cut off". docs/failover.md has the arithmetic.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib)
    concatMapStringsSep
    findFirst
    literalExpression
    mkDefault
    mkEnableOption
    mkIf
    mkMerge
    mkOption
    types
    ;

  cfg = config.dinehub.failoverVote;
  # A string and not a path: a path would be copied to the store.
  file = types.strMatching "/.+";
  hasTls = cfg.tls.certFile != null;
  scheme = if hasTls then "https" else "http";
  thisMember = findFirst (member: member.name == cfg.name) null cfg.members;
  thisHost = if thisMember == null then toString cfg.listenAddress else thisMember.host;
  peerUrl = host: "${scheme}://${host}:${toString cfg.peerPort}";
  clientUrl = host: "${scheme}://${host}:${toString cfg.clientPort}";

  # The control server gives the address, so it is known at run time only.
  findsAddress = cfg.listenAddress == null;
  addressFile = "/run/dinehub-failover-vote/address";
  addressScript = pkgs.writeShellScript "dinehub-failover-vote-address" ''
    set -euo pipefail
    address="$(${pkgs.iproute2}/bin/ip -4 -brief address show dev ${lib.escapeShellArg cfg.meshInterface} scope global |
      ${pkgs.gawk}/bin/awk '{ sub("/.*", "", $3); print $3; exit }')"
    if [ -z "$address" ]; then
      echo "${cfg.meshInterface} has no address yet." >&2
      exit 1
    fi
    ${pkgs.coreutils}/bin/mkdir -p ${dirOf addressFile}
    {
      echo "ETCD_LISTEN_CLIENT_URLS=${scheme}://$address:${toString cfg.clientPort}"
      echo "ETCD_LISTEN_PEER_URLS=${scheme}://$address:${toString cfg.peerPort}"
    } > ${addressFile}
  '';
in
{
  imports = [ ./cluster.nix ];

  options.dinehub.failoverVote = {
    enable = mkEnableOption "a member of the vote on failover (etcd)";

    name = mkOption {
      type = types.str;
      default = config.networking.hostName;
      defaultText = literalExpression "config.networking.hostName";
      description = "This member's name.";
    };

    members = mkOption {
      type = types.listOf (
        types.submodule {
          options = {
            name = mkOption {
              type = types.str;
              description = "The member's name.";
              example = "monitoring";
            };
            host = mkOption {
              type = types.str;
              description = "Its name or address on the mesh.";
              example = "monitoring.mesh.example.net";
            };
            site = mkOption {
              type = types.str;
              description = "Where it is; no two members share one, and no site is another's uplink.";
              example = "eu-central-1";
            };
          };
        }
      );
      description = "All members, this one included, the same on each: three, on three sites.";
    };

    listenAddress = mkOption {
      type = types.nullOr (types.strMatching "[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+");
      default = null;
      description = ''
        This machine's IPv4 address on the mesh (`tailscale ip -4`): etcd listens on addresses, not on names. Null: the
        one that the mesh's interface has when etcd starts, which is tried again until there is one.
      '';
      example = "100.64.0.12";
    };

    clientPort = mkOption {
      type = types.port;
      default = 2379;
      description = "The port for Patroni's requests.";
    };

    peerPort = mkOption {
      type = types.port;
      default = 2380;
      description = "The port that the other members vote at.";
    };

    meshInterface = mkOption {
      type = types.str;
      default = "tailscale0";
      description = "The mesh's interface: the firewall opens the ports there and nowhere else.";
    };

    joinsRunning = mkOption {
      type = types.bool;
      default = false;
      description = "True for a member that takes the place of a lost one (`etcdctl member add` first).";
    };

    tls = {
      certFile = mkOption {
        type = types.nullOr file;
        default = null;
        description = "This member's certificate, for its host, as server and client. Null: no TLS, the mesh's encryption is all.";
      };
      keyFile = mkOption {
        type = types.nullOr file;
        default = null;
        description = "Its key, which `etcd` may read, at run time.";
      };
      caFile = mkOption {
        type = types.nullOr file;
        default = null;
        description = "The authority that members and Patroni show certificates of. Other clients are rejected.";
      };
    };
  };

  config = mkIf cfg.enable {
    dinehub.failoverVote.members = mkDefault (
      map (voter: { inherit (voter) name host site; }) config.dinehub.cluster.database.voters
    );

    assertions = [
      {
        assertion = lib.length cfg.members >= 3 && lib.mod (lib.length cfg.members) 2 == 1;
        message = "dinehub.failoverVote.members: three members (or five): an even number survives no more losses than one member less would.";
      }
      {
        assertion = lib.allUnique (map (member: member.name) cfg.members);
        message = "dinehub.failoverVote.members: two have one name.";
      }
      {
        assertion = lib.allUnique (map (member: member.site) cfg.members);
        message = "dinehub.failoverVote.members: two are on one site, which would have the majority, or lose it, at once.";
      }
      {
        assertion = thisMember != null;
        message = "dinehub.failoverVote.name: '${cfg.name}' is none of ${
          concatMapStringsSep ", " (member: member.name) cfg.members
        }.";
      }
      {
        assertion = cfg.listenAddress != "0.0.0.0";
        message = "dinehub.failoverVote.listenAddress: the mesh's address, not all of them.";
      }
      {
        assertion =
          (cfg.tls.certFile == null) == (cfg.tls.keyFile == null)
          && (cfg.tls.certFile == null) == (cfg.tls.caFile == null);
        message = "dinehub.failoverVote.tls: certFile, keyFile and caFile go together.";
      }
      {
        assertion = cfg.tls.keyFile == null || !lib.hasPrefix "${builtins.storeDir}/" cfg.tls.keyFile;
        message = "dinehub.failoverVote.tls.keyFile: must not be in the store, which everybody can read.";
      }
      {
        assertion = config.networking.firewall.enable;
        message = "dinehub.failoverVote: networking.firewall must be on: the vote is for the mesh only.";
      }
    ];

    services.etcd = {
      enable = true;
      name = cfg.name;
      listenClientUrls = mkIf (!findsAddress) [ (clientUrl cfg.listenAddress) ];
      listenPeerUrls = mkIf (!findsAddress) [ (peerUrl cfg.listenAddress) ];
      advertiseClientUrls = [ (clientUrl thisHost) ];
      initialAdvertisePeerUrls = [ (peerUrl thisHost) ];
      initialCluster = map (member: "${member.name}=${peerUrl member.host}") cfg.members;
      initialClusterState = if cfg.joinsRunning then "existing" else "new";
      initialClusterToken = "dinehub";
      clientCertAuth = hasTls;
      peerClientCertAuth = hasTls;
      certFile = cfg.tls.certFile;
      keyFile = cfg.tls.keyFile;
      trustedCaFile = cfg.tls.caFile;
      extraConf = {
        # Across an ocean: a heartbeat of about the longest round trip, an election of ten (etcd documentation, "Tuning").
        HEARTBEAT_INTERVAL = mkDefault "300";
        ELECTION_TIMEOUT = mkDefault "3000";
        # Patroni writes every few seconds; what is an hour old is of no use.
        AUTO_COMPACTION_MODE = mkDefault "periodic";
        AUTO_COMPACTION_RETENTION = mkDefault "1h";
      };
    };

    # 30 s in nixpkgs: as long as a lease, and it may be the second of three that is missing.
    systemd.services.etcd = {
      after = [ "tailscaled.service" ];
      startLimitIntervalSec = 0;
      serviceConfig = mkMerge [
        { RestartSec = lib.mkForce "2s"; }
        (mkIf findsAddress {
          # As root, for /run; what the file says wins over the settings above.
          ExecStartPre = [ "+${addressScript}" ];
          EnvironmentFile = [ "-${addressFile}" ];
        })
      ];
    };

    networking.firewall.interfaces.${cfg.meshInterface}.allowedTCPPorts = [
      cfg.clientPort
      cfg.peerPort
    ];
  };
}
