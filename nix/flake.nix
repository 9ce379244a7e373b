# The machines of the cluster. Used from the root of the repository, whose whole tree is the flake's source:
#
#   nix flake check ./nix                      evaluates and builds every host, and runs the tests
#   nix develop ./nix                          the tools for everything below
#   nix build ./nix#nixosConfigurations.ingress-eu-1.config.system.build.toplevel
#   deploy ./nix#ingress-eu-1                  one host (nix/scripts/rollout.sh: all, a region at a time)
#
# A flake sees only what git tracks: `git add` new hosts, secrets and infrastructure.json before. There is no flake.lock until
# the first of these has written it.
{
  description = "DineHub's machines";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.11";
    sops-nix = {
      url = "github:Mic92/sops-nix";
      inputs.nixpkgs.follows = "nixpkgs";
    };
    deploy-rs = {
      url = "github:serokell/deploy-rs";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs =
    {
      self,
      nixpkgs,
      sops-nix,
      deploy-rs,
    }:
    let
      inherit (nixpkgs) lib;

      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      forAllSystems = make: lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});

      # The name of each file of a folder that is a Nix file, without the ending; none where there is no folder.
      nixFiles =
        folder:
        if builtins.pathExists folder then
          map (lib.removeSuffix ".nix") (
            lib.attrNames (
              lib.filterAttrs (name: type: type == "regular" && lib.hasSuffix ".nix" name) (
                builtins.readDir folder
              )
            )
          )
        else
          [ ];

      fromJsonFile =
        file: default: if builtins.pathExists file then lib.importJSON file else default;

      # What `terraform output -json hosts` says, if the operator put it there.
      infrastructure = fromJsonFile ./infrastructure.json { };
      # What `secrets init` wrote.
      recipients = fromJsonFile ./secrets/recipients.json { operators = [ ]; };

      hostNames = lib.filter (name: !lib.hasSuffix ".local" name) (nixFiles ./hosts);

      # What the modules are told of this repository.
      repositoryModule =
        name:
        { pkgs, ... }:
        let
          backend = pkgs.callPackage ./packages/backend { };
          secretsFile = ./secrets + "/${name}.yaml";
        in
        {
          dinehub = {
            backend.package = lib.mkDefault backend;
            # Images are read from CloudFront, whose address Terraform tells.
            backend.environment = lib.mkIf (infrastructure ? ${name}.imagesPublicUrl) {
              Images__PublicUrl = lib.mkDefault infrastructure.${name}.imagesPublicUrl;
            };
            host = lib.mapAttrs (_: lib.mkDefault) (
              builtins.intersectAttrs {
                instanceId = null;
                privateAddress = null;
                publicAddress = null;
                dataVolumeId = null;
              } (infrastructure.${name} or { })
            );
            secrets.sopsFile = lib.mkIf (builtins.pathExists secretsFile) (lib.mkDefault secretsFile);
            headscale.backup.recipients = lib.mkDefault recipients.operators;
          };

          # EC2's user data would be applied at every boot, over what was deployed.
          virtualisation.amazon-init.enable = lib.mkDefault false;
        };

      hostModules =
        name:
        [
          "${nixpkgs}/nixos/modules/virtualisation/amazon-image.nix"
          self.nixosModules.default
          (repositoryModule name)
          ./generated/cluster.nix
          (./hosts + "/${name}.nix")
        ]
        ++ lib.filter builtins.pathExists [ (./hosts + "/${name}.local.nix") ];

      hostsOf =
        system:
        lib.filterAttrs (
          _: host: host.config.nixpkgs.hostPlatform.system == system
        ) self.nixosConfigurations;

      # deploy-rs as nixpkgs built it, on machines and in the shell alike: the two speak to each other.
      deployLib =
        system:
        (import nixpkgs {
          inherit system;
          overlays = [
            deploy-rs.overlays.default
            (_final: prev: {
              deploy-rs = {
                inherit (nixpkgs.legacyPackages.${system}) deploy-rs;
                inherit (prev.deploy-rs) lib;
              };
            })
          ];
        }).deploy-rs.lib;

      scriptNames = [
        "bootstrap"
        "rollout"
        "ssm-proxy"
      ];

      scriptsFor =
        pkgs:
        lib.genAttrs scriptNames (
          name:
          pkgs.writeShellApplication {
            name = "dinehub-${name}";
            runtimeInputs = [
              pkgs.awscli2
              pkgs.coreutils
              pkgs.curl
              pkgs.deploy-rs
              pkgs.dnsutils
              pkgs.git
              pkgs.gnugrep
              pkgs.gnused
              pkgs.jq
              pkgs.openssh
              pkgs.opentofu
              pkgs.sops
              pkgs.age
              pkgs.ssm-session-manager-plugin
            ];
            text = ''
              exec ${pkgs.runtimeShell} ${./scripts}/${name}.sh "$@"
            '';
          }
        );
    in
    {
      nixosConfigurations = lib.genAttrs hostNames (
        name: lib.nixosSystem { modules = hostModules name; }
      );

      # Each imports what it refers to, and can be used by itself; `default` is all of them.
      nixosModules = lib.genAttrs (nixFiles ./modules) (name: {
        imports = [
          sops-nix.nixosModules.sops
          (./modules + "/${name}.nix")
        ];
      });

      packages = forAllSystems (
        pkgs:
        let
          scripts = scriptsFor pkgs;
        in
        {
          backend = pkgs.callPackage ./packages/backend { };
          scripts = pkgs.symlinkJoin {
            name = "dinehub-scripts";
            paths = lib.attrValues scripts;
          };
        }
        // lib.mapAttrs' (name: lib.nameValuePair "dinehub-${name}") scripts
      );

      # No `sshUser`: `deploy` signs in as the operator who calls it, or as `--ssh-user` says (modules/deploy.nix).
      deploy = {
        user = "root";
        # Over an ocean, and past a server that restarts.
        activationTimeout = 600;
        confirmTimeout = 120;
        nodes = lib.mapAttrs (
          name: host:
          {
            profiles.system.path =
              (deployLib host.config.nixpkgs.hostPlatform.system).activate.nixos
                host;
          }
          // (
            if host.config.dinehub.host.role == "headscale" then
              {
                # Not on the mesh: by AWS Systems Manager. One word, as deploy-rs and Nix split options at spaces;
                # without an argument the script takes DINEHUB_NODE, or else Headscale's host.
                hostname = name;
                sshOpts = [ "-oProxyCommand=dinehub-ssm-proxy" ];
              }
            else
              { hostname = "${name}.${host.config.dinehub.cluster.mesh.domain}"; }
          )
        ) self.nixosConfigurations;
      };

      checks = forAllSystems (
        pkgs:
        let
          inherit (pkgs.stdenv.hostPlatform) system;
          hosts = hostsOf system;
        in
        lib.mapAttrs' (name: host: lib.nameValuePair "host-${name}" host.config.system.build.toplevel) hosts
        // (deployLib system).deployChecks (
          self.deploy // { nodes = builtins.intersectAttrs hosts self.deploy.nodes; }
        )
        // lib.mapAttrs' (name: lib.nameValuePair "test-${name}") (
          import ./tests {
            inherit pkgs;
            modules = [ self.nixosModules.default ];
            inherit (self.packages.${system}) backend;
          }
        )
        // {
          inherit (self.packages.${system}) backend scripts;

          shellcheck = pkgs.runCommand "dinehub-shellcheck" { nativeBuildInputs = [ pkgs.shellcheck ]; } ''
            cd ${./scripts}
            shellcheck --external-sources *.sh
            touch $out
          '';
        }
      );

      devShells = forAllSystems (pkgs: {
        default = pkgs.mkShell {
          packages = [
            self.packages.${pkgs.stdenv.hostPlatform.system}.scripts
            pkgs.age
            pkgs.awscli2
            pkgs.deploy-rs
            pkgs.dnsutils
            pkgs.dotnetCorePackages.sdk_10_0
            pkgs.headscale
            pkgs.jq
            pkgs.nixfmt
            pkgs.opentofu
            pkgs.shellcheck
            pkgs.sops
            pkgs.ssm-session-manager-plugin
            pkgs.wireguard-tools
          ];
        };
      });

      formatter = forAllSystems (pkgs: pkgs.nixfmt-tree);
    };
}
