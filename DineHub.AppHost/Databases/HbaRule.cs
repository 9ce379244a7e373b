namespace DineHub.AppHost.Databases;

/// <summary>A record of pg_hba.conf without its address (PostgreSQL documentation, "The pg_hba.conf File").</summary>
/// <param name="Type"><c>local</c> for unix sockets, <c>host</c> for TCP; machines with certificates turn <c>host</c> into <c>hostssl</c>.</param>
/// <param name="Database">A database, <c>all</c>, or <c>replication</c> for physical replication, which <c>all</c> does not include.</param>
/// <param name="Users">The roles.</param>
/// <param name="Why">The reason, in a clause.</param>
internal sealed record HbaRule(string Type, string Database, IReadOnlyList<string> Users, string Why)
{
    /// <summary>The type of a rule for unix sockets.</summary>
    public const string Local = "local";

    /// <summary>The type of a rule for TCP connections.</summary>
    public const string Host = "host";

    /// <summary>The authentication method: a password, always.</summary>
    public const string Method = "scram-sha-256";
}
