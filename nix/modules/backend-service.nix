# One backend of the cluster, as a machine: DineHub.Api, stateless. Its configuration has the names of docs/architecture.md;
# what is secret comes as credentials, which the API reads as files ($CREDENTIALS_DIRECTORY, one key a file).
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
    elem
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
  cfg = config.dinehub.backend;
  cluster = config.dinehub.cluster;
  database = cluster.database;

  # A string and not a path: a path would be copied to the store, which everybody can read.
  secretFile = types.strMatching "/.+";
  hasSecret = name: elem name config.dinehub.secrets.names;

  groupOf =
    home: [ home ] ++ lib.filter (standby: standby.follows == home.name) database.standbys;
  coordinators = groupOf database.coordinator;
  workers =
    database.workers
    ++ lib.filter (standby: standby.follows != database.coordinator.name) database.standbys;
  isNear = node: node.region == cfg.region;
  isFar = node: !isNear node;

  # The nearest first: each connection goes to the first that can be written to (docs/database.md, Connections). On Citus any
  # node answers; after a failover a region may have no primary of a worker, so that the other regions' stand last.
  nearestFirst =
    lib.filter isNear workers
    ++ lib.filter isNear coordinators
    ++ lib.filter isFar coordinators
    ++ lib.filter isFar workers;

  connectionString =
    password:
    concatStringsSep ";" (
      [
        "Host=${concatMapStringsSep "," (node: node.host) nearestFirst}"
        "Port=5432"
        "Database=dinehub"
        "Username=dinehub_api"
        # In quotes, in which a semicolon is no end. `secrets init` makes no password that has a quote.
        "Password=\"${password}\""
        "Maximum Pool Size=${toString cfg.maximumPoolSize}"
      ]
      ++ optional (
        cfg.databaseCaFile != null
      ) "SSL Mode=VerifyFull;Root Certificate=${cfg.databaseCaFile}"
    );
in
{
  imports = [
    ./cluster.nix
    ./secrets.nix
  ];

  options.dinehub.backend = {
    enable = mkEnableOption "a backend of the DineHub cluster (DineHub.Api)";

    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ../packages/backend { };
      defaultText = literalExpression "pkgs.callPackage ../packages/backend { }";
      description = "The package that has `bin/DineHub.Api`: the API, and the `db` verbs that database machines call.";
    };

    nodeName = mkOption {
      type = types.str;
      default = config.networking.hostName;
      defaultText = literalExpression "config.networking.hostName";
      description = "This replica's name in the topology (`DINEHUB_NODE`).";
    };

    region = mkOption {
      type = types.str;
      default = config.dinehub.host.region;
      defaultText = literalExpression "config.dinehub.host.region";
      description = "Its region (`DINEHUB_REGION`): what it serves is counted there, and database servers there are asked first.";
    };

    port = mkOption {
      type = types.port;
      default = 8080;
      description = ''
        Its port. It listens on all addresses, as that of the mesh is given by the control server and not known here; the
        firewall opens the port on the mesh's interface alone.
      '';
    };

    meshInterface = mkOption {
      type = types.str;
      default = "tailscale0";
      description = "The mesh's interface: the firewall opens the port there and nowhere else.";
    };

    maximumPoolSize = mkOption {
      type = types.ints.between 1 1000;
      default = 20;
      description = ''
        Connections to the database at most. All backends together stay below `dinehub.postgres.maxConnections` of the
        coordinator, with room for operators and the migration.
      '';
    };

    databaseCaFile = mkOption {
      type = types.nullOr (types.strMatching "/.+");
      default = null;
      description = "The authority that the database servers' certificates are checked by (`dinehub.postgres.tls`). Null: the mesh's encryption is all.";
    };

    memoryMaxMiB = mkOption {
      type = types.ints.between 128 1048576;
      default = lib.max 256 (config.dinehub.host.memoryMiB * 3 / 4);
      defaultText = literalExpression "config.dinehub.host.memoryMiB * 3 / 4";
      description = "Memory at most, in MiB. Above it the service is ended and started again; .NET collects garbage before.";
    };

    watchdogSeconds = mkOption {
      type = types.ints.between 5 600;
      default = 30;
      description = "How long the service may be silent to systemd before it is taken for hung and started again.";
    };

    stopSeconds = mkOption {
      type = types.ints.between 1 600;
      default = 30;
      description = "How long requests that are under way may take to end after SIGTERM. The API itself gives them 20 s.";
    };

    environment = mkOption {
      type = types.attrsOf types.str;
      default = { };
      description = "More configuration, by its environment names (docs/architecture.md). Nothing secret: everybody can read the store.";
      example = {
        OTEL_EXPORTER_OTLP_ENDPOINT = "http://monitoring.mesh.example.net:4317";
      };
    };

    secrets = {
      connectionStringFile = mkOption {
        type = secretFile;
        description = ''
          File with `ConnectionStrings:dinehub`: the coordinator, as the role `dinehub_api`; at run time, root's is enough.
          Made of the secret `database/api-password` where the host has that.
        '';
        example = "/run/secrets/rendered/dinehub-connection-string";
      };
      operatorKeyFile = mkOption {
        type = types.nullOr secretFile;
        default = null;
        description = "File with the operators' key (`Operator:Key`, 32 characters or more), at run time. Null disables operator access by key.";
      };
      dataProtectionKeyFile = mkOption {
        type = secretFile;
        description = "File with the key that tokens' keys are encrypted by (`DataProtection:Key`, 32 bytes in Base64), at run time; the same for all replicas.";
      };
    };
  };

  config = mkIf cfg.enable (mkMerge [
    {
      assertions = [
        {
          assertion = config.networking.firewall.enable;
          message = "dinehub.backend: networking.firewall must be on: the backend is for the mesh only, and its health and metrics need no key.";
        }
        {
          assertion = lib.all (path: path == null || !lib.hasPrefix "${builtins.storeDir}/" path) (
            lib.attrValues cfg.secrets
          );
          message = "dinehub.backend.secrets: a secret must not be in the store, which everybody can read; name a file that is there at run time, such as sops.secrets.<name>.path.";
        }
      ];

      networking.firewall.interfaces.${cfg.meshInterface}.allowedTCPPorts = [ cfg.port ];

      systemd.services.dinehub-backend = {
        description = "DineHub's backend ${cfg.nodeName}";
        wantedBy = [ "multi-user.target" ];
        wants = [ "network-online.target" ];
        # It answers 503 while the database is out of reach, and needs no restart when the mesh is up.
        after = [
          "network-online.target"
          "tailscaled.service"
        ];
        startLimitIntervalSec = 0;

        environment = {
          ASPNETCORE_URLS = mkDefault "http://*:${toString cfg.port}";
          DINEHUB_NODE = cfg.nodeName;
          DINEHUB_REGION = cfg.region;
          Images__Bucket = mkDefault cluster.buckets.images.name;
          Images__Region = mkDefault cluster.buckets.images.region;
          # No diagnostic socket in /tmp: it has no use here.
          DOTNET_EnableDiagnostics = mkDefault "0";
        }
        // cfg.environment;

        serviceConfig = sandbox // {
          ExecStart = "${cfg.package}/bin/DineHub.Api";
          LoadCredential = [
            "ConnectionStrings__dinehub:${cfg.secrets.connectionStringFile}"
            "DataProtection__Key:${cfg.secrets.dataProtectionKeyFile}"
          ]
          ++ optional (
            cfg.secrets.operatorKeyFile != null
          ) "Operator__Key:${cfg.secrets.operatorKeyFile}";

          # READY=1 when it listens, WATCHDOG=1 as long as it lives.
          Type = "notify";
          NotifyAccess = "main";
          TimeoutStartSec = mkDefault "90s";
          WatchdogSec = cfg.watchdogSeconds;
          # Its end is in good order: it stops listening, and ends when its requests have.
          KillSignal = "SIGTERM";
          KillMode = "mixed";
          TimeoutStopSec = cfg.stopSeconds;
          Restart = "always";
          RestartSec = mkDefault "1s";
          # A wrong configuration does not mend itself (exit code 78, EX_CONFIG).
          RestartPreventExitStatus = 78;

          MemoryMax = "${toString cfg.memoryMaxMiB}M";
          MemorySwapMax = mkDefault 0;
          TasksMax = mkDefault 512;
          LimitNOFILE = mkDefault 65536;
          OOMPolicy = "stop";

          DynamicUser = true;
          AmbientCapabilities = "";
          KeyringMode = "private";
          PrivateIPC = true;
          PrivateMounts = true;
          PrivateUsers = true;
          # It reads its limits (/proc/meminfo, cgroup) and /proc/self: not ProcSubset=pid.
          ProtectProc = "invisible";
          RemoveIPC = true;
          RestrictAddressFamilies = [
            "AF_INET"
            "AF_INET6"
            # What it tells systemd, and names' look-up, go by sockets.
            "AF_UNIX"
            # .NET lists the interfaces by it.
            "AF_NETLINK"
          ];
          # It listens on its port and on no other.
          SocketBindAllow = "tcp:${toString cfg.port}";
          SocketBindDeny = "any";
          SystemCallFilter = [
            "@system-service"
            "~@privileged"
            "~@resources"
            # .NET sets the affinity of its threads, and lowers the priority of some.
            "sched_setaffinity"
            "sched_setscheduler"
            "setpriority"
          ];
        };
      };
    }

    # Where the host has the secrets (nix/secrets, dinehub.secrets.names).
    (mkIf (hasSecret "database/api-password") {
      sops.templates.dinehub-connection-string = {
        content = connectionString config.sops.placeholder."database/api-password";
        restartUnits = [ "dinehub-backend.service" ];
      };
      dinehub.backend.secrets.connectionStringFile =
        mkDefault
          config.sops.templates.dinehub-connection-string.path;
    })
    (mkIf (hasSecret "api/operator-key") {
      dinehub.backend.secrets.operatorKeyFile = mkDefault config.sops.secrets."api/operator-key".path;
    })
    (mkIf (hasSecret "api/data-protection-key") {
      dinehub.backend.secrets.dataProtectionKeyFile =
        mkDefault
          config.sops.secrets."api/data-protection-key".path;
    })
  ]);
}
