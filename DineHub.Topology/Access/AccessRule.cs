namespace DineHub.Topology.Access;

/// <summary>A transport protocol.</summary>
public enum Transport
{
    /// <summary>TCP.</summary>
    Tcp,

    /// <summary>UDP.</summary>
    Udp,
}

/// <summary>One permission; whatever no rule permits is denied.</summary>
/// <param name="From">Who opens the connection.</param>
/// <param name="To">Who takes it.</param>
/// <param name="Port">The port that it goes to, 1 to 65535.</param>
/// <param name="Transport">The transport.</param>
/// <param name="Purpose">What it is for.</param>
public sealed record AccessRule(Party From, Party To, int Port, Transport Transport, string Purpose);
