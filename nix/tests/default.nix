# The NixOS VM tests. They need KVM; `nix flake check` runs them.
#
# The machines are those of nix/modules, with the names of the reference deployment and with the files that are generated for
# it. In place of the mesh is the test's first network, in place of sops are plain files, in place of S3 a folder.
{
  pkgs,
  # What a machine imports: nix/modules, and sops-nix' module, which declares the options that they refer to.
  modules,
  # The package that has bin/DineHub.Api.
  backend,
}:

let
  common = import ./common.nix { inherit pkgs modules backend; };
  test = file: pkgs.testers.runNixOSTest (import file { inherit pkgs common; });
in
{
  end-to-end = test ./end-to-end.nix;
  denied-paths = test ./denied-paths.nix;
  backend-loss = test ./backend-loss.nix;
  standby-promotion = test ./standby-promotion.nix;
  backup-restore = test ./backup-restore.nix;
}
