# A machine's secrets: from its own file in nix/secrets, which it and the operators can decrypt, to /run/secrets (sops-nix).
#
# The topology says which secrets a machine has (`names`); exactly those are declared here, with who may read each and
# what is restarted when it changes. Modules refer to `config.sops.secrets."database/api-password".path`, or put
# `config.sops.placeholder."database/api-password"` into a template of their own, whose restarts are theirs to say.
# Most services read their secrets as credentials of systemd (LoadCredential): then root's is enough.
{
  config,
  lib,
  ...
}:

let
  inherit (lib)
    filter
    genAttrs
    literalExpression
    mkIf
    mkOption
    optional
    types
    ;

  cfg = config.dinehub.secrets;

  # Database passwords restart no server: a new one is set in the database first (docs/runbook.md, Rotate a secret), and
  # what connects by it is restarted. What is not here is root's, and restarts nothing.
  known = {
    "database/superuser-password".restart = [ "dinehub-db-keeper" ];
    "database/monitor-password".restart = [ "prometheus-postgres-exporter" ];
    "api/operator-key".restart = [ "dinehub-backend" ];
    "api/data-protection-key".restart = [ "dinehub-backend" ];
    "grafana/admin-password" = {
      owner = "grafana";
      restart = [ "grafana" ];
    };
    "grafana/secret-key" = {
      owner = "grafana";
      restart = [ "grafana" ];
    };
    "alertmanager/webhook-url".restart = [ "alertmanager" ];
  };

  ownerOf =
    name:
    let
      owner = known.${name}.owner or null;
    in
    if owner != null && config.users.users ? ${owner} then owner else null;

  restartedBy =
    name:
    map (service: "${service}.service") (
      filter (service: config.systemd.services ? ${service}) (known.${name}.restart or [ ])
    );
in
{
  options.dinehub.secrets = {
    names = mkOption {
      type = types.listOf (types.strMatching "[a-z0-9-]+(/[a-z0-9-]+)*");
      default = [ ];
      description = "The secrets that this machine has, by their place in its file: `database/api-password` is the key `api-password` in `database`.";
      example = [
        "database/api-password"
        "api/operator-key"
      ];
    };

    sopsFile = mkOption {
      type = types.nullOr types.path;
      default = null;
      description = ''
        The encrypted file. The flake takes nix/secrets/<node>.yaml where it is (tracked by git: a flake sees nothing else).
        Null: the machine can be evaluated and built, but expects the file at /var/lib/sops-nix/secrets.yaml when it starts.
      '';
      example = literalExpression "../secrets/ingress-eu-1.yaml";
    };

    keyFile = mkOption {
      type = types.strMatching "/.+";
      default = "/var/lib/sops-nix/key.txt";
      description = "The machine's private age key, which the bootstrap installs.";
    };
  };

  config = mkIf (cfg.names != [ ]) {
    assertions = [
      {
        assertion = lib.allUnique cfg.names;
        message = "dinehub.secrets.names: a secret is there twice.";
      }
      {
        assertion = !lib.hasPrefix "${builtins.storeDir}/" cfg.keyFile;
        message = "dinehub.secrets.keyFile: must not be in the store, which everybody can read.";
      }
    ];

    warnings =
      optional (cfg.sopsFile == null)
        "dinehub.secrets.sopsFile: there is no file with the secrets of '${config.networking.hostName}' (`secrets init` makes nix/secrets/${config.networking.hostName}.yaml): it can be built, but its services will not start.";

    sops = {
      defaultSopsFile = if cfg.sopsFile == null then "/var/lib/sops-nix/secrets.yaml" else cfg.sopsFile;
      validateSopsFiles = cfg.sopsFile != null;
      # The key that is installed, and none that the machine happens to have for SSH.
      age.keyFile = cfg.keyFile;
      age.sshKeyPaths = [ ];
      gnupg.sshKeyPaths = [ ];

      secrets = genAttrs cfg.names (name: {
        owner = ownerOf name;
        restartUnits = restartedBy name;
      });
    };
  };
}
