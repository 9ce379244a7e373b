# What the topology says of the cluster, and of this machine: facts, published by DineHub.AppHost, that the other modules
# derive their options from. And what every machine shares.
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

  cluster = config.dinehub.cluster;
  host = config.dinehub.host;
  hostName = config.networking.hostName;

  label = types.strMatching "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
  dnsName = types.strMatching "[a-z0-9]([a-z0-9.-]*[a-z0-9])?";
  ipv4 = types.strMatching "[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+";
  ipv4Range = types.strMatching "[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+/[0-9]+";

  node = {
    name = mkOption {
      type = label;
      description = "Its name in the topology.";
      example = "db-worker-1";
    };
    region = mkOption {
      type = types.str;
      description = "Its region.";
      example = "eu-west-1";
    };
    host = mkOption {
      type = dnsName;
      description = "Its name on the mesh.";
      example = "db-worker-1.mesh.dinehub.example";
    };
  };

  bucket = what: {
    name = mkOption {
      type = types.str;
      description = "Name of the bucket for ${what}.";
      example = "dinehub-example-backups";
    };
    region = mkOption {
      type = types.str;
      description = "Its region.";
      example = "eu-west-1";
    };
  };

  # The module that makes a machine what its role says. Each may be absent where modules are used one by one.
  services = {
    ingress = config.dinehub.ingress.enable or false;
    backend = config.dinehub.backend.enable or false;
    postgres = config.dinehub.postgres.enable or false;
    headscale = config.dinehub.headscale.enable or false;
    monitoring = config.dinehub.monitoring.enable or false;
  };
  databaseRoles = [
    "coordinator"
    "worker"
    "standby"
  ];
  ownService = if elem host.role databaseRoles then "postgres" else host.role;

  names = nodes: map (node: node.name) nodes;
  namesOfRole = {
    coordinator = [ cluster.database.coordinator.name ];
    worker = names cluster.database.workers;
    standby = names cluster.database.standbys;
    ingress = lib.attrNames cluster.controlLink.ingresses;
  };
in
{
  options.dinehub.cluster = {
    name = mkOption {
      type = label;
      description = "The cluster's name, which its resources are named after.";
      example = "dinehub";
    };

    domain = mkOption {
      type = dnsName;
      description = "The public name that customers ask for.";
      example = "dinehub.example";
    };

    controlDomain = mkOption {
      type = dnsName;
      description = "The public name of the mesh's control server (Headscale), which the ingresses relay to it.";
      example = "control.dinehub.example";
    };

    mesh = {
      domain = mkOption {
        type = dnsName;
        description = "The domain that machines have their names of the mesh in (MagicDNS).";
        example = "mesh.dinehub.example";
      };
      addressRange = mkOption {
        type = ipv4Range;
        default = "100.64.0.0/10";
        description = "The addresses of the mesh: 100.64.0.0/10 or a part of it, as Tailscale takes no other.";
      };
      addressRange6 = mkOption {
        type = types.strMatching "fd7a:115c:a1e0:[0-9a-f:]*/[0-9]+";
        default = "fd7a:115c:a1e0::/48";
        description = "The IPv6 addresses of the mesh: fd7a:115c:a1e0::/48 or a part of it, as Tailscale takes no other.";
      };
    };

    controlLink = {
      range = mkOption {
        type = ipv4Range;
        description = "The addresses of the WireGuard link between Headscale and the ingresses.";
        example = "10.254.0.0/22";
      };
      headscaleAddress = mkOption {
        type = ipv4;
        description = "Headscale's address on the link.";
        example = "10.254.0.1";
      };
      headscaleEndpoint = mkOption {
        type = types.strMatching "[0-9.]+:[0-9]+";
        description = "Headscale's private address in its VPC, which does not change, and the port of the link.";
        example = "10.10.96.10:41641";
      };
      ingresses = mkOption {
        type = types.attrsOf ipv4;
        default = { };
        description = "Each ingress' address on the link.";
        example = {
          ingress-eu-1 = "10.254.0.2";
        };
      };
    };

    operators = mkOption {
      type = types.attrsOf (
        types.submodule {
          options.sshKey = mkOption {
            type = types.singleLineStr;
            description = "The public key that the operator signs in with.";
            example = "ssh-ed25519 AAAA… alex";
          };
        }
      );
      default = { };
      description = "The operators, who may sign in to the machines and deploy to them, by user name.";
    };

    acme = {
      email = mkOption {
        type = types.strMatching "[^@ ]+@[^@ ]+";
        description = "The email address for the certificate authority.";
        example = "operators@dinehub.example";
      };
      acceptTerms = mkOption {
        type = types.bool;
        default = false;
        description = "Whether the terms of the certificate authority are accepted.";
      };
    };

    database = {
      durability = mkOption {
        type = types.enum [
          "standby"
          "local"
        ];
        description = "When a commit is acknowledged: after the standby has it too, or after this server has it.";
      };
      standbyTimeoutSeconds = mkOption {
        type = types.ints.between 1 3600;
        default = 15;
        description = "How long a commit waits for a standby that does not answer.";
      };
      shards = mkOption {
        type = types.ints.between 1 4096;
        default = 32;
        description = "How many shards each distributed table has.";
      };
      failover = mkOption {
        type = types.enum [
          "manual"
          "vote"
        ];
        default = "manual";
        description = "The decision on a failover: by an operator, or by a vote (Patroni).";
      };
      coordinator = node;
      workers = mkOption {
        type = types.listOf (types.submodule { options = node; });
        description = "All workers.";
      };
      standbys = mkOption {
        type = types.listOf (
          types.submodule {
            options = node // {
              follows = mkOption {
                type = label;
                description = "The coordinator or worker that it is the standby of.";
                example = "db-worker-1";
              };
            };
          }
        );
        default = [ ];
        description = "All standbys.";
      };
      voters = mkOption {
        type = types.listOf (
          types.submodule {
            options = {
              inherit (node) name host;
              site = mkOption {
                type = types.str;
                description = "Where it is; no two share one.";
                example = "eu-central-1";
              };
            };
          }
        );
        default = [ ];
        description = "The members that vote on a failover; empty unless `failover` is `vote`.";
      };
    };

    buckets = {
      backups = bucket "backups";
      images = bucket "the images of menus";
    };
  };

  options.dinehub.host = {
    role = mkOption {
      type = types.nullOr (
        types.enum (
          databaseRoles
          ++ [
            "ingress"
            "backend"
            "headscale"
            "monitoring"
          ]
        )
      );
      default = null;
      description = "What this machine is in the topology. Null: it is not part of one, such as a machine of a test.";
    };

    region = mkOption {
      type = types.str;
      description = "Its region.";
      example = "eu-west-1";
    };

    memoryMiB = mkOption {
      type = types.ints.positive;
      description = "Its memory, in MiB, which services take their shares of. Published for the types of instances that are known; for others it is the operator's to say (nix/hosts/NAME.local.nix).";
      example = 4096;
    };

    instanceId = mkOption {
      type = types.nullOr (types.strMatching "i-[0-9a-f]+");
      default = null;
      description = "Its EC2 instance, from nix/infrastructure.json; null as long as that is not there.";
      example = "i-0123456789abcdef0";
    };

    privateAddress = mkOption {
      type = types.nullOr ipv4;
      default = null;
      description = "Its address in its VPC, from nix/infrastructure.json.";
      example = "10.10.96.10";
    };

    publicAddress = mkOption {
      type = types.nullOr ipv4;
      default = null;
      description = "Its public address, from nix/infrastructure.json; null for all but ingresses.";
      example = "203.0.113.10";
    };

    dataVolumeId = mkOption {
      type = types.nullOr (types.strMatching "vol-[0-9a-f]+");
      default = null;
      description = "The EBS volume that its data is on, from nix/infrastructure.json; null for machines that have none.";
      example = "vol-0123456789abcdef0";
    };
  };

  config = mkIf (host.role != null) {
    assertions =
      lib.mapAttrsToList (service: enabled: {
        assertion = enabled -> service == ownService;
        message = "dinehub.${service}.enable: '${hostName}' has the role '${host.role}', which this is not part of.";
      }) services
      ++ [
        {
          assertion = !(namesOfRole ? ${host.role}) || elem hostName namesOfRole.${host.role};
          message = "networking.hostName: the cluster has no ${host.role} '${hostName}', but ${
            lib.concatStringsSep ", " (namesOfRole.${host.role} or [ ])
          }.";
        }
        {
          assertion = host.role != "headscale" || !(config.dinehub.meshClient.enable or false);
          message = "dinehub.meshClient.enable: Headscale and its own client on one machine is nothing that Headscale supports.";
        }
        {
          assertion = cluster.controlDomain != cluster.mesh.domain && !lib.hasSuffix ".${cluster.mesh.domain}" cluster.controlDomain;
          message = "dinehub.cluster.controlDomain: must not be in the mesh's domain '${cluster.mesh.domain}', or Headscale refuses to start.";
        }
      ];

    warnings =
      lib.optional (!services.${ownService})
        "dinehub.${ownService}.enable is off: '${hostName}' does not do what its role '${host.role}' says.";

    system.stateVersion = mkDefault "26.11";

    time.timeZone = mkDefault "UTC";
    # The servers are networking.timeServers, which the Amazon image sets to the hypervisor's. Shards and restores compare
    # times of several machines: chrony holds them closer than timesyncd does.
    services.chrony.enable = mkDefault true;

    documentation.enable = mkDefault false;
  };
}
