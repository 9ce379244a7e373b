namespace DineHub.AppHost.Databases;

/// <summary>Where a setting applies.</summary>
[Flags]
internal enum ServerPlaces
{
    /// <summary>Nowhere.</summary>
    None = 0,

    /// <summary>The command line of a server process on this machine.</summary>
    Process = 1,

    /// <summary>The command line of a Citus container.</summary>
    Container = 2,

    /// <summary>The postgresql.conf of a new local server. pg_rewind runs crash recovery without the command line, by this file alone.</summary>
    Initialization = 4,

    /// <summary>A NixOS machine.</summary>
    Machine = 8,

    /// <summary>A NixOS machine, with one value for a primary and its standby; with failover by vote Patroni manages it.</summary>
    MachineGroup = 16,

    /// <summary>The servers of a developer's machine.</summary>
    Development = Process | Container,

    /// <summary>All servers, each for itself.</summary>
    Everywhere = Development | Machine,
}
