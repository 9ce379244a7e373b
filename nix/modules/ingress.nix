# One ingress of the cluster, as a machine: nginx with the configuration that DineHub.AppHost generates from the ingress
# policy and the topology (`topology --nginx NODE`). What it does is in docs/ingress.md; nothing of it is decided here.
#
# New backends need no restart. One that is replaced keeps its name and gets another address: nginx looks the names up again
# (`resolve`). One that is added is in the next generated file, and a changed file is a reload: new workers beside the old
# ones, which end when their requests have.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib)
    literalExpression
    mkDefault
    mkEnableOption
    mkIf
    mkMerge
    mkOption
    optional
    optionalString
    types
    ;

  cfg = config.dinehub.ingress;
  byDns = cfg.acme.challenge == "dns";
  # Not where somebody has another certificate, as the tests have.
  ordersCertificate = config.services.nginx.virtualHosts.${cfg.domain}.enableACME;
  certificateUnits = optional ordersCertificate "acme-${cfg.domain}.service";
  dnsName = types.strMatching "[a-z0-9]([a-z0-9.-]*[a-z0-9])?";

  # The paths that NginxSettings.For writes.
  maintenanceFile = "/var/lib/dinehub-ingress/maintenance";
  acmeRoot = "/var/lib/acme/acme-challenge";

  # `sudo dinehub-maintenance on`: nginx looks for the file at each request.
  maintenanceScript = pkgs.writeShellScriptBin "dinehub-maintenance" ''
    set -euo pipefail
    case "''${1-}" in
      on) ${pkgs.coreutils}/bin/touch ${maintenanceFile} ;;
      off) ${pkgs.coreutils}/bin/rm -f ${maintenanceFile} ;;
      *)
        echo "dinehub-maintenance on | off" >&2
        exit 2
        ;;
    esac
  '';
in
{
  imports = [ ./cluster.nix ];

  options.dinehub.ingress = {
    enable = mkEnableOption "an ingress of the DineHub cluster (nginx)";

    configurationFile = mkOption {
      type = types.path;
      description = "The configuration: what `topology --nginx` prints for this node, or `publish` writes for its region. Nothing of it is secret.";
      example = literalExpression "../generated/nginx/eu-west-1.conf";
    };

    package = mkOption {
      type = types.package;
      default = pkgs.nginxMainline;
      defaultText = literalExpression "pkgs.nginxMainline";
      description = "nginx, 1.27.3 or later.";
    };

    domain = mkOption {
      type = dnsName;
      description = "The public name (`Domain` of the topology), which the certificate is for. The cluster's, unless it is set.";
      example = "dinehub.example";
    };

    controlDomain = mkOption {
      type = types.nullOr dnsName;
      default = null;
      description = "The name of the mesh's control server, if this ingress relays to it (`topology --nginx NODE --control ADDRESS`): the certificate is for it as well. The cluster's, unless it is set.";
      example = "control.dinehub.example";
    };

    acme = {
      acceptTerms = mkOption {
        type = types.bool;
        default = false;
        description = "Whether the terms of the certificate authority are accepted (Let's Encrypt, unless `security.acme.defaults.server` says otherwise).";
      };

      email = mkOption {
        type = types.strMatching "[^@ ]+@[^@ ]+";
        description = "The email address for the certificate authority.";
        example = "operators@dinehub.example";
      };

      challenge = mkOption {
        type = types.enum [
          "dns"
          "http"
        ];
        default = "dns";
        description = ''
          How this machine shows the authority that the names are its own. By `dns` it writes a record of Route 53, as its
          instance's role (route53:ListHostedZonesByName, GetChange, ListResourceRecordSets and ChangeResourceRecordSets). By
          `http` it answers on port 80, which needs no rights, but works for a lone ingress only: where several share a name,
          the authority asks one that knows nothing of it, and a new ingress gets no certificate before it is in the DNS.
        '';
      };

      hostedZoneId = mkOption {
        type = types.nullOr (types.strMatching "[A-Z0-9]+");
        default = null;
        description = "The zone of Route 53 that the records are written to. Null: the one that is named like the domain, or its parent.";
        example = "Z0123456789ABCDEFGHIJ";
      };
    };

    drainSeconds = mkOption {
      type = types.ints.between 1 600;
      default = 20;
      description = "How long requests that are under way may take to end (`Ingress:DrainSeconds` of the topology). systemd waits 10 s longer.";
    };

    publicPorts = mkOption {
      type = types.listOf types.port;
      default = [
        80
        443
      ];
      description = "The ports that the firewall opens to everybody.";
    };

    exporter = {
      enable = mkOption {
        type = types.bool;
        default = true;
        description = "Whether Prometheus' nginx exporter runs, for the mesh only.";
      };

      port = mkOption {
        type = types.port;
        default = 9113;
        description = "Its port.";
      };

      managementPort = mkOption {
        type = types.port;
        default = 9114;
        description = "The port of nginx's metrics on 127.0.0.1.";
      };
    };

    meshInterface = mkOption {
      type = types.str;
      default = "tailscale0";
      description = "The mesh's interface: the firewall opens the exporter's port there and nowhere else.";
    };
  };

  config = mkIf cfg.enable (mkMerge [
    {
      dinehub.ingress = {
        domain = mkDefault config.dinehub.cluster.domain;
        controlDomain = mkDefault config.dinehub.cluster.controlDomain;
        acme.email = mkDefault config.dinehub.cluster.acme.email;
        acme.acceptTerms = mkDefault config.dinehub.cluster.acme.acceptTerms;
      };

      assertions = [
        {
          assertion = lib.versionAtLeast cfg.package.version "1.27.3";
          message = "dinehub.ingress.package: nginx ${cfg.package.version} does not look names up again (`resolve`); 1.27.3 or later does.";
        }
        {
          assertion = cfg.acme.acceptTerms;
          message = "dinehub.ingress.acme.acceptTerms: without the authority's terms there is no certificate.";
        }
        {
          assertion = config.networking.firewall.enable;
          message = "dinehub.ingress: networking.firewall must be on: management and metrics are not for everybody.";
        }
      ];

      security.acme = {
        acceptTerms = cfg.acme.acceptTerms;
        defaults.email = mkDefault cfg.acme.email;
        certs.${cfg.domain} = mkIf byDns {
          dnsProvider = "route53";
          # Nothing of it is secret: the key is the instance's role. Route 53 has one region.
          environmentFile = pkgs.writeText "dinehub-acme-route53.env" (
            ''
              AWS_REGION=us-east-1
            ''
            + optionalString (cfg.acme.hostedZoneId != null) ''
              AWS_HOSTED_ZONE_ID=${cfg.acme.hostedZoneId}
            ''
          );
        };
      };

      services.nginx = {
        enable = true;
        package = cfg.package;
        # A changed configuration, or a new certificate, is a reload.
        enableReload = true;
        config = builtins.readFile cfg.configurationFile;
        # By gixy, which takes warnings of its own for errors; `nginx -t` runs before every start and reload.
        validateConfigFile = false;
        # Nothing of this stands in nginx' configuration, which `config` is all of. But by it nixpkgs orders the certificate
        # and has nginx reload when it is renewed; where the challenge is by HTTP, it is answered from the webroot.
        virtualHosts.${cfg.domain} = {
          enableACME = true;
          acmeRoot = if byDns then null else acmeRoot;
          serverAliases = optional (cfg.controlDomain != null) cfg.controlDomain;
        };
      };

      systemd.services.nginx = {
        # The certificate that the machine makes for itself, until there is the authority's. nixpkgs waits for it only where
        # nginx is restarted and not reloaded; without it nginx refuses to start, and is given up after some tries.
        wants = certificateUnits;
        # Backends are names of the mesh. nginx starts without it, and answers 502 until it is there.
        after = [ "tailscaled.service" ] ++ certificateUnits;
        # Before the authority comes by HTTP.
        before = optional ordersCertificate "acme-order-renew-${cfg.domain}.service";
        serviceConfig = {
          # nginx' word for an end in good order: it stops listening, and ends when its requests have. SIGTERM would cut them.
          KillSignal = "SIGQUIT";
          KillMode = "mixed";
          TimeoutStopSec = cfg.drainSeconds + 10;
        };
      };

      systemd.tmpfiles.rules = [ "d ${dirOf maintenanceFile} 0755 root root -" ];
      environment.systemPackages = [ maintenanceScript ];
      networking.firewall.allowedTCPPorts = cfg.publicPorts;
    }

    (mkIf cfg.exporter.enable {
      services.prometheus.exporters.nginx = {
        enable = true;
        port = cfg.exporter.port;
        scrapeUri = "http://127.0.0.1:${toString cfg.exporter.managementPort}/nginx_status";
      };
      networking.firewall.interfaces.${cfg.meshInterface}.allowedTCPPorts = [ cfg.exporter.port ];
    })
  ]);
}
