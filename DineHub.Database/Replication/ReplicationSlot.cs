using System.Globalization;
using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Replication;

/// <summary>What keeps a standby's WAL on its primary.</summary>
public static class ReplicationSlot
{
    /// <summary>The name of a standby's slot.</summary>
    /// <param name="standby">The standby's name.</param>
    public static string Of(string standby)
    {
        ArgumentNullException.ThrowIfNull(standby);
        return standby.Replace('-', '_').ToLower(CultureInfo.InvariantCulture);
    }

    /// <summary>Makes a standby's slot, where it is missing, and keeps the WAL from now on.</summary>
    internal static async Task EnsureAsync(NpgsqlConnection primary, string standby, CancellationToken ct)
    {
        try
        {
            await primary.ExecuteAsync(
                "SELECT pg_create_physical_replication_slot($1, true) WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)", ct, Of(standby));
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DuplicateObject)
        {
            // A promotion, the keeper and the standby itself may all look at the same time: one of the others has made it.
        }
    }
}
