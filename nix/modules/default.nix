# All modules of the cluster. Each does nothing until it is enabled; a host of nix/hosts enables what its role is. Each imports
# what it refers to, so that it can be used by itself, too. They need sops-nix' module beside them (`nixosModules` of the
# flake have it).
{
  imports = [
    ./backend-service.nix
    ./backup.nix
    ./cluster.nix
    ./control-link.nix
    ./data-volume.nix
    ./deploy.nix
    ./failover-vote.nix
    ./firewall.nix
    ./hardening.nix
    ./headscale.nix
    ./ingress.nix
    ./mesh-client.nix
    ./monitoring.nix
    ./node-exporter.nix
    ./postgres-service.nix
    ./secrets.nix
  ];
}
