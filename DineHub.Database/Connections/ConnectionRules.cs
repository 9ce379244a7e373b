using Npgsql;

namespace DineHub.Database.Connections;

/// <summary>The API's defaults for connection strings: deadlines, keepalives and the choice between several hosts.</summary>
public static class ConnectionRules
{
    private const string TargetSessionAttributes = "Target Session Attributes";

    /// <summary>
    /// Sets what the connection string leaves open: 2 s to connect (to each of several hosts), 5 s for a statement, no wait for the answer
    /// to a cancel request, a keepalive every 10 s. <c>Host=a:5432,b:5433</c> names several hosts, nearest first: each connection goes to the
    /// first that accepts writes, unless the string has <c>Target Session Attributes</c> of its own; a host that failed is tried again after 2 s.
    /// </summary>
    /// <param name="settings">A connection string; its own settings stay.</param>
    public static void Apply(NpgsqlConnectionStringBuilder settings)
    {
        ArgumentNullException.ThrowIfNull(settings);

        // Not ContainsKey, which is true for every keyword that there is.
        var given = settings.Keys.ToHashSet(StringComparer.OrdinalIgnoreCase);
        void Default(string keyword, object value)
        {
            if (!given.Contains(keyword))
            {
                settings[keyword] = value;
            }
        }

        // Not below 2 with several hosts: the probe of a host gets the remaining whole seconds, and 0 means no timeout.
        Default("Timeout", 2);
        Default("Command Timeout", 5);

        // A cancel request that arrives while a commit waits for the synchronous standby ends the wait with a success and a warning
        // ("canceling wait for synchronous replication due to user request", SyncRepWaitForLSN): the order is on one disk only. Npgsql
        // sends that request whatever this says; -1 is for not reading its answer, which would acknowledge the order. It is also what
        // keeps Npgsql from taking a host for offline because of a slow statement (NpgsqlConnector.Break).
        Default("Cancellation Timeout", -1);
        Default("Keepalive", 10);
        Default("Application Name", "dinehub-api");
        Default("Host Recheck Seconds", 2);
        if (settings.Host?.Contains(',', StringComparison.Ordinal) is true)
        {
            Default(TargetSessionAttributes, "read-write");
        }
    }

    /// <summary>Checks a connection string without connecting.</summary>
    /// <param name="connectionString">The connection string.</param>
    /// <returns>What is wrong with it, without its values, some of which are secret; null where Npgsql accepts it.</returns>
    public static string? Problem(string connectionString)
    {
        try
        {
            ApiConnections.Create(connectionString).Dispose();
            return null;
        }
        catch (ArgumentNullException)
        {
            return "has no Host";
        }
        catch (ArgumentException e) when (e.ParamName is { } keyword)
        {
            // What follows an unquoted ';' in a password looks like a keyword, and is not repeated.
            return new NpgsqlConnectionStringBuilder().ContainsKey(keyword)
                ? $"has a value for '{keyword}' that Npgsql does not accept"
                : "has an unknown keyword; a value with ';' or '=' needs quotes";
        }
        catch (ArgumentException)
        {
            return "is not a list of KEYWORD=VALUE with ';' between them";
        }
        catch (FormatException)
        {
            return "has a Host that is not HOST, HOST:PORT or a list of them with ',' between them";
        }
        catch (Exception e) when (e is NotSupportedException or InvalidOperationException)
        {
            return $"is not supported by Npgsql: {e.Message}";
        }
    }
}
