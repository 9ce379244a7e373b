# What a machine needs to be deployed to: operators who may become root, by name and key, and a store that takes what they
# copy to it and does not fill up.
#
# deploy-rs signs in as the operator (no `sshUser` in the flake: `deploy` takes the local user name, or `--ssh-user`), copies
# the system to the store, and activates it by `sudo`. So wheel uses sudo without a password (accounts have none), and is trusted by Nix,
# which adds no rights to those of sudo. Root itself does not sign in: the journal shows who deployed.
{
  config,
  lib,
  ...
}:

let
  inherit (lib)
    literalExpression
    mapAttrs
    mkDefault
    mkIf
    mkOption
    types
    ;

  cfg = config.dinehub.deploy;
in
{
  imports = [ ./cluster.nix ];

  options.dinehub.deploy = {
    enable = mkOption {
      type = types.bool;
      default = config.dinehub.host.role != null;
      defaultText = literalExpression "config.dinehub.host.role != null";
      description = "Whether the machine can be deployed to by the cluster's operators.";
    };

    operators = mkOption {
      type = types.attrsOf (types.listOf types.singleLineStr);
      default = mapAttrs (_: operator: [ operator.sshKey ]) config.dinehub.cluster.operators;
      defaultText = literalExpression "those of config.dinehub.cluster.operators";
      description = "The operators, who may sign in to this machine and become root: public keys by user name.";
      example = {
        alex = [ "ssh-ed25519 AAAA… alex" ];
      };
    };

    keepGenerationsDays = mkOption {
      type = types.ints.positive;
      default = 14;
      description = "How long former systems are kept, in days, which one can go back to.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.operators != { };
        message = "dinehub.deploy.operators: no operator could sign in to '${config.networking.hostName}' after this deployment.";
      }
      {
        assertion = lib.all (keys: keys != [ ]) (lib.attrValues cfg.operators);
        message = "dinehub.deploy.operators: an operator without a key cannot sign in.";
      }
      {
        assertion = !(cfg.operators ? root);
        message = "dinehub.deploy.operators: root is no operator; operators become root by sudo.";
      }
      {
        assertion = !config.security.sudo.wheelNeedsPassword;
        message = "dinehub.deploy: security.sudo.wheelNeedsPassword must be off: operators have no passwords, and deploy-rs asks for none.";
      }
    ];

    users.users = mapAttrs (_: keys: {
      isNormalUser = true;
      extraGroups = [ "wheel" ];
      openssh.authorizedKeys.keys = keys;
    }) cfg.operators;

    security.sudo.wheelNeedsPassword = mkDefault false;

    nix = {
      settings = {
        experimental-features = [
          "nix-command"
          "flakes"
        ];
        # Packages that operators built themselves are unsigned.
        trusted-users = [
          "root"
          "@wheel"
        ];
        auto-optimise-store = mkDefault true;
        # A deployment that fills the disk would stop what runs on it: Nix makes room before.
        min-free = mkDefault (1024 * 1024 * 1024);
        max-free = mkDefault (4 * 1024 * 1024 * 1024);
      };
      gc = {
        automatic = mkDefault true;
        dates = mkDefault "weekly";
        randomizedDelaySec = mkDefault "6h";
        options = mkDefault "--delete-older-than ${toString cfg.keepGenerationsDays}d";
      };
    };
  };
}
