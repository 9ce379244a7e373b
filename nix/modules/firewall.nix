# The host's firewall, twice: NixOS' own, which modules open their ports in, and the table that is generated from the
# cluster's access policy (DineHub.Topology/Access/AccessPolicy.cs). A packet must pass both: in nftables, what one table
# accepts, another may still drop. So neither a port that a module opens by mistake is open, nor one that the policy
# permits and nothing listens at. Who it is that comes by the mesh, the mesh's own policy says (modules/headscale.nix).
{
  config,
  lib,
  ...
}:

let
  inherit (lib)
    literalExpression
    mkDefault
    mkIf
    mkOption
    types
    ;

  cfg = config.dinehub.firewall;
in
{
  options.dinehub.firewall = {
    tableFile = mkOption {
      type = types.nullOr types.path;
      default = null;
      description = "File with the table, as the publisher writes it for each role. Null: NixOS' firewall is all.";
      example = literalExpression "../generated/firewall/ingress.nft";
    };

    table = mkOption {
      type = types.nullOr types.lines;
      default = if cfg.tableFile == null then null else builtins.readFile cfg.tableFile;
      defaultText = literalExpression "builtins.readFile config.dinehub.firewall.tableFile";
      description = "Content of the nftables table `inet dinehub`: chains only, no `table` line. Null: NixOS' firewall is all.";
    };
  };

  config = mkIf (cfg.table != null) {
    assertions = [
      {
        assertion = config.networking.firewall.enable;
        message = "dinehub.firewall: networking.firewall must stay on; the table stands beside it.";
      }
      {
        assertion = config.networking.nftables.enable;
        message = "dinehub.firewall: networking.nftables must stay on: the table is loaded by it.";
      }
    ];

    networking.nftables.enable = mkDefault true;
    networking.nftables.tables.dinehub = {
      family = "inet";
      content = cfg.table;
    };
  };
}
