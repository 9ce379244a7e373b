using System.Xml.Linq;
using DineHub.Api.Data;
using DineHub.Database.Connections;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Npgsql;

namespace DineHub.Api.Accounts.Keys;

/// <summary>
/// The data-protection keys in the database, so that a token from one replica works at every other, after any restart.
/// The interface is synchronous; it is asked once a day.
/// </summary>
/// <param name="database">The database.</param>
/// <param name="time">The clock.</param>
internal sealed class KeyRepository(ApiConnections database, TimeProvider time) : IXmlRepository
{
    private volatile int lastRead;

    public IReadOnlyCollection<XElement> GetAllElements()
    {
        var keys = Wait(database.ListAsync(
            "SELECT xml, ordinal FROM data_protection_keys ORDER BY ordinal", row => (Xml: row.GetString(0), Ordinal: row.GetInt32(1)), CancellationToken.None));
        if (keys is [.., var last])
        {
            lastRead = last.Ordinal;
        }

        return keys.ConvertAll(key => XElement.Parse(key.Xml));
    }

    /// <summary>
    /// Stores a key, unless another replica has stored one since this one has read them. The framework reads all keys again after storing, and takes that
    /// one: two first keys would leave each replica with tokens that the other cannot read. Not by ON CONFLICT: Citus asks who may do that to a reference
    /// table for the right to change its rows, and keys are never changed.
    /// </summary>
    public void StoreElement(XElement element, string friendlyName)
    {
        try
        {
            // Where the first run's answer is lost, the second finds its key there, and the framework reads it.
            Wait(database.ExecuteRepeatableAsync(
                "INSERT INTO data_protection_keys (ordinal, name, xml, created_at) VALUES ($1, $2, $3, $4)",
                CancellationToken.None,
                lastRead + 1,
                friendlyName,
                element.ToString(SaveOptions.DisableFormatting),
                time.GetUtcNow()));
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            // Another replica was first.
        }
    }

    private static T Wait<T>(Task<T> statement) => statement.GetAwaiter().GetResult();
}
