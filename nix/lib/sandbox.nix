# What every service of ours may do without: settings of systemd.exec(5) that each unit starts from, and adds to.
{
  CapabilityBoundingSet = "";
  DevicePolicy = "closed";
  LockPersonality = true;
  # Not MemoryDenyWriteExecute: .NET compiles as it runs.
  NoNewPrivileges = true;
  PrivateDevices = true;
  PrivateTmp = true;
  ProtectClock = true;
  ProtectControlGroups = true;
  ProtectHome = true;
  ProtectHostname = true;
  ProtectKernelLogs = true;
  ProtectKernelModules = true;
  ProtectKernelTunables = true;
  ProtectSystem = "strict";
  RestrictNamespaces = true;
  RestrictRealtime = true;
  RestrictSUIDSGID = true;
  SystemCallArchitectures = "native";
  SystemCallErrorNumber = "EPERM";
  UMask = "0077";
}
