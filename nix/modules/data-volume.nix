# The volume that holds a machine's data, apart from its root disk: instances are replaced, their data is not.
#
# A blank volume is formatted, once; one that has anything on it, if only a partition table, is left alone. It is mounted
# before the service that keeps its data there, which does not start without it, and grows with the disk.
{
  config,
  lib,
  pkgs,
  utils,
  ...
}:

let
  inherit (lib)
    elem
    literalExpression
    mkDefault
    mkEnableOption
    mkIf
    mkMerge
    mkOption
    types
    ;

  cfg = config.dinehub.dataVolume;
  host = config.dinehub.host;
  isDatabase = elem host.role [
    "coordinator"
    "worker"
    "standby"
  ];

  # As udev names it: the volume's id without its hyphen.
  volumeLink =
    id: "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${lib.replaceStrings [ "-" ] [ "" ] id}";
  deviceUnit = "${utils.escapeSystemdPath cfg.device}.device";
  mountUnit = "${utils.escapeSystemdPath cfg.mountPoint}.mount";
in
{
  imports = [
    ./cluster.nix
    ./postgres-service.nix
  ];

  options.dinehub.dataVolume = {
    enable = mkEnableOption "a volume of its own for this machine's data";

    device = mkOption {
      type = types.strMatching "/dev/.+";
      default =
        if host.dataVolumeId != null then
          volumeLink host.dataVolumeId
        else
          "/dev/disk/by-label/${cfg.label}";
      defaultText = literalExpression ''"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_''${config.dinehub.host.dataVolumeId}", else "/dev/disk/by-label/''${label}"'';
      description = ''
        The volume. As long as its id is not known (nix/infrastructure.json), it is found by its label, which it has once
        it was formatted.
      '';
    };

    mountPoint = mkOption {
      type = types.strMatching "/.+[^/]";
      description = "Where it is mounted.";
      example = "/var/lib/dinehub-postgres";
    };

    label = mkOption {
      type = types.strMatching "[A-Za-z0-9_-]{1,16}";
      default = "dinehub-data";
      description = "The file system's label (ext4: 16 characters at most), which identifies the volume on any machine.";
    };

    services = mkOption {
      type = types.listOf (types.strMatching "[^.]+");
      default = [ ];
      description = "The services that keep their data there: they start when it is mounted, and not without it.";
      example = [ "postgresql" ];
    };
  };

  config = mkMerge [
    (mkIf (isDatabase && config.dinehub.postgres.enable) {
      dinehub.dataVolume = {
        enable = mkDefault true;
        mountPoint = mkDefault (dirOf config.dinehub.postgres.dataDir);
        services = [ (if config.dinehub.postgres.patroni.enable then "patroni" else "postgresql") ];
      };
    })

    (mkIf (host.role == "headscale") {
      dinehub.dataVolume = {
        enable = mkDefault true;
        mountPoint = mkDefault "/var/lib/headscale";
        services = [ "headscale" ];
      };
    })

    (mkIf cfg.enable {
      fileSystems.${cfg.mountPoint} = {
        device = cfg.device;
        fsType = "ext4";
        autoResize = true;
        options = [
          "noatime"
          "nosuid"
          "nodev"
          # A machine without its volume must be reachable, to be mended: it boots, and only the service stays away.
          "nofail"
          "x-systemd.device-timeout=5min"
          "x-systemd.requires=dinehub-data-volume-format.service"
          "x-systemd.after=dinehub-data-volume-format.service"
        ];
      };

      systemd.services.dinehub-data-volume-format = {
        description = "Formats the data volume, if it is blank";
        bindsTo = [ deviceUnit ];
        after = [ deviceUnit ];
        # The check, too, which would take a file system that is half written for a damaged one.
        before = [
          mountUnit
          "systemd-fsck@${utils.escapeSystemdPath cfg.device}.service"
        ];
        unitConfig.DefaultDependencies = false;
        path = [
          pkgs.util-linux
          pkgs.e2fsprogs
        ];
        script = ''
          device=${lib.escapeShellArg cfg.device}
          # 2: nothing was found on it. Anything else, or more than one thing, is somebody's.
          status=0
          blkid --probe "$device" || status=$?
          case "$status" in
            0) echo "$device has something on it: left as it is." ;;
            2) mkfs.ext4 -q -L ${lib.escapeShellArg cfg.label} "$device" ;;
            *)
              echo "$device cannot be read, or it is not clear what is on it (blkid: $status)." >&2
              exit 1
              ;;
          esac
        '';
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          # A volume of many terabytes takes minutes.
          TimeoutStartSec = "30min";
        };
      };

      # What tmpfiles made before was on the root disk, below the mount: here it is made, and given to its owner, again.
      systemd.services.dinehub-data-volume = {
        description = "Prepares the data volume";
        wantedBy = [ "multi-user.target" ];
        unitConfig.RequiresMountsFor = cfg.mountPoint;
        before = map (name: "${name}.service") cfg.services;
        requiredBy = map (name: "${name}.service") cfg.services;
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          ExecStart = "${config.systemd.package}/bin/systemd-tmpfiles --create --prefix=${cfg.mountPoint}";
        };
      };
    })
  ];
}
