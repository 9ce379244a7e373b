# The link between Headscale and the ingresses: plain WireGuard, with static keys.
#
# Machines must reach the control server before they are on the mesh, and Headscale's host is never on it. So the ingresses
# take `control.<domain>` and relay it over this link, whose only members they are. Keys, also the public ones, are secrets
# of each host (dinehub.secrets): nothing of them is known when the configuration is evaluated, and a new key needs no
# deployment but that of the secrets.
{
  config,
  lib,
  ...
}:

let
  inherit (lib)
    concatStringsSep
    elem
    literalExpression
    mapAttrsToList
    mkIf
    mkMerge
    mkOption
    types
    ;

  cfg = config.dinehub.controlLink;
  link = config.dinehub.cluster.controlLink;
  hostName = config.networking.hostName;
  isHeadscale = config.dinehub.host.role == "headscale";

  needed = [
    "wireguard/private-key"
  ]
  ++ (
    if isHeadscale then
      map (name: "wireguard/${name}-public-key") (lib.attrNames link.ingresses)
    else
      [ "wireguard/headscale-public-key" ]
  );
  missing = lib.subtractLists config.dinehub.secrets.names needed;
  secret = name: config.sops.placeholder.${name} or "";

  interface = lines: concatStringsSep "\n" ([ "[Interface]" ] ++ lines);
  peer = lines: concatStringsSep "\n" ([ "[Peer]" ] ++ lines);

  # Only what passes unhurt everywhere: between regions packets are smaller than within a VPC.
  mtu = "MTU = 1420";

  headscaleConfiguration = concatStringsSep "\n\n" (
    [
      (interface [
        "Address = ${link.headscaleAddress}/32"
        "PrivateKey = ${secret "wireguard/private-key"}"
        "ListenPort = ${toString cfg.port}"
        mtu
      ])
    ]
    ++ mapAttrsToList (
      name: address:
      peer [
        "# ${name}"
        "PublicKey = ${secret "wireguard/${name}-public-key"}"
        "AllowedIPs = ${address}/32"
      ]
    ) link.ingresses
  );

  # No ListenPort: 41641/udp is tailscaled's on an ingress, and Headscale never begins. Its answers find back to whatever
  # port the ingress dialled from, through firewalls that remember who asked; the keepalive keeps them remembering.
  ingressConfiguration = concatStringsSep "\n\n" [
    (interface [
      "Address = ${link.ingresses.${hostName} or "0.0.0.0"}/32"
      "PrivateKey = ${secret "wireguard/private-key"}"
      mtu
    ])
    (peer [
      "# headscale"
      "PublicKey = ${secret "wireguard/headscale-public-key"}"
      "AllowedIPs = ${link.headscaleAddress}/32"
      "Endpoint = ${link.headscaleEndpoint}"
      "PersistentKeepalive = ${toString cfg.keepaliveSeconds}"
    ])
  ];
in
{
  imports = [
    ./cluster.nix
    ./secrets.nix
  ];

  options.dinehub.controlLink = {
    enable = mkOption {
      type = types.bool;
      default = elem config.dinehub.host.role [
        "headscale"
        "ingress"
      ];
      defaultText = literalExpression ''the role is "headscale" or "ingress"'';
      description = "Whether this machine is a member of the link.";
    };

    interface = mkOption {
      type = types.strMatching "[a-z][a-z0-9-]{0,14}";
      default = "control";
      description = "The link's interface.";
    };

    port = mkOption {
      type = types.port;
      default = 41641;
      description = "The UDP port that Headscale's host listens on.";
    };

    controlPort = mkOption {
      type = types.port;
      default = 8080;
      description = "The TCP port that Headscale serves on the link.";
    };

    keepaliveSeconds = mkOption {
      type = types.ints.between 1 65535;
      default = 25;
      description = "How often an ingress shows that it is there.";
    };
  };

  config = mkIf cfg.enable (mkMerge [
    {
      assertions = [
        {
          assertion = missing == [ ];
          message = "dinehub.controlLink: '${hostName}' lacks secrets in dinehub.secrets.names: ${concatStringsSep ", " missing}.";
        }
        {
          assertion = isHeadscale || link.ingresses ? ${hostName};
          message = "dinehub.controlLink: '${hostName}' has no address in dinehub.cluster.controlLink.ingresses.";
        }
        {
          assertion = lib.allUnique ([ link.headscaleAddress ] ++ lib.attrValues link.ingresses);
          message = "dinehub.cluster.controlLink: two members have one address.";
        }
        {
          assertion = lib.hasSuffix ":${toString cfg.port}" link.headscaleEndpoint;
          message = "dinehub.controlLink.port: the ingresses dial ${link.headscaleEndpoint}.";
        }
        {
          assertion = config.networking.firewall.enable;
          message = "dinehub.controlLink: networking.firewall must be on: Headscale is for the link's members only.";
        }
      ];

      sops.templates."${cfg.interface}.conf" = {
        content = if isHeadscale then headscaleConfiguration else ingressConfiguration;
        restartUnits = [ "wg-quick-${cfg.interface}.service" ];
      };

      networking.wg-quick.interfaces.${cfg.interface}.configFile =
        config.sops.templates."${cfg.interface}.conf".path;
    }

    (mkIf isHeadscale {
      networking.firewall = {
        allowedUDPPorts = [ cfg.port ];
        interfaces.${cfg.interface}.allowedTCPPorts = [ cfg.controlPort ];
      };
    })
  ]);
}
