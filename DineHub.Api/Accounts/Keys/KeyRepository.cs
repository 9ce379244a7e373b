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
        using var command = database.DataSource.CreateCommand("SELECT xml, ordinal FROM data_protection_keys ORDER BY ordinal");
        using var reader = command.ExecuteReader();
        var elements = new List<XElement>();
        while (reader.Read())
        {
            elements.Add(XElement.Parse(reader.GetString(0)));
            lastRead = reader.GetInt32(1);
        }

        return elements;
    }

    /// <summary>
    /// Stores a key, unless another replica has stored one since this one has read them. The framework reads all keys again after storing, and takes that
    /// one: two first keys would leave each replica with tokens that the other cannot read. Not by ON CONFLICT: Citus asks who may do that to a reference
    /// table for the right to change its rows, and keys are never changed.
    /// </summary>
    public void StoreElement(XElement element, string friendlyName)
    {
        using var command = database.DataSource.CreateCommand(
            "INSERT INTO data_protection_keys (ordinal, name, xml, created_at) VALUES ($1, $2, $3, $4)").With(
            lastRead + 1, friendlyName, element.ToString(SaveOptions.DisableFormatting), time.GetUtcNow());
        try
        {
            command.ExecuteNonQuery();
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            // Another replica was first.
        }
    }
}
