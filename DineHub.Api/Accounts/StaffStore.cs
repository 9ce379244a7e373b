using DineHub.Api.Data;
using DineHub.Database.Connections;
using Npgsql;

namespace DineHub.Api.Accounts;

/// <summary>Who works where, on the restaurant's own shard. Every statement carries <c>restaurant_id</c>.</summary>
/// <param name="database">The database.</param>
internal sealed class StaffStore(ApiConnections database)
{
    private const string OpenFor = "token_hash = $2 AND email = $3 AND accepted_at IS NULL AND expires_at > $4";

    private const string RemoveOne = "DELETE FROM staff WHERE restaurant_id = $1 AND account_id = $2";

    /// <summary>What an account may do in a restaurant; null for nothing.</summary>
    public Task<StaffRole?> RoleAsync(Guid restaurantId, Guid accountId, CancellationToken ct) =>
        ReadRoleAsync("SELECT role FROM staff WHERE restaurant_id = $1 AND account_id = $2", restaurantId, accountId, ct);

    public async Task<StaffList> ListAsync(Guid restaurantId, DateTimeOffset now, CancellationToken ct)
    {
        var members = await database.ListAsync(
            "SELECT account_id, role, email, name, added_at FROM staff WHERE restaurant_id = $1",
            row => new StaffMember(
                row.GetGuid(0), Enum.Parse<StaffRole>(row.GetString(1)), row.GetString(2), row.GetString(3), row.GetFieldValue<DateTimeOffset>(4)),
            ct,
            restaurantId);
        var invitations = await database.ListAsync(
            "SELECT id, email, role, expires_at FROM invitations WHERE restaurant_id = $1 AND accepted_at IS NULL AND expires_at > $2 ORDER BY created_at",
            row => new Invitation(row.GetGuid(0), row.GetString(1), Enum.Parse<StaffRole>(row.GetString(2)), row.GetFieldValue<DateTimeOffset>(3)),
            ct,
            restaurantId,
            now);
        return new StaffList([.. members.OrderByDescending(member => member.Role).ThenBy(member => member.Name, StringComparer.Ordinal)], invitations);
    }

    /// <summary>Stores an invitation, and forgets those that are over.</summary>
    public async Task InviteAsync(Guid restaurantId, Invitation invitation, byte[] tokenHash, DateTimeOffset now, CancellationToken ct)
    {
        await database.ExecuteAsync("DELETE FROM invitations WHERE restaurant_id = $1 AND expires_at < $2", ct, restaurantId, now);
        await database.ExecuteAsync(
            """
            INSERT INTO invitations (restaurant_id, id, email, role, token_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
            """, ct, restaurantId, invitation.Id, invitation.Email, invitation.Role.ToString(), tokenHash, now, invitation.ExpiresAt);
    }

    /// <summary>What an invitation would give; null where there is none that is open.</summary>
    public Task<StaffRole?> InvitedRoleAsync(Guid restaurantId, Guid id, CancellationToken ct) =>
        ReadRoleAsync("SELECT role FROM invitations WHERE restaurant_id = $1 AND id = $2 AND accepted_at IS NULL", restaurantId, id, ct);

    public async Task<bool> IsInvitedAsync(Guid restaurantId, string email, byte[] tokenHash, DateTimeOffset now, CancellationToken ct) =>
        (await database.ListAsync(
            $"SELECT id FROM invitations WHERE restaurant_id = $1 AND {OpenFor}", row => row.GetGuid(0), ct, restaurantId, tokenHash, email, now)).Count > 0;

    public Task WithdrawAsync(Guid restaurantId, Guid id, CancellationToken ct) =>
        database.ExecuteAsync("DELETE FROM invitations WHERE restaurant_id = $1 AND id = $2 AND accepted_at IS NULL", ct, restaurantId, id);

    /// <summary>Accepts an invitation, once, and adds its bearer to the staff; a member keeps the higher of the old and the new role.</summary>
    /// <returns>The role; null where no open invitation of that token is for that address.</returns>
    public Task<StaffRole?> AcceptAsync(Guid restaurantId, StoredAccount account, byte[] tokenHash, DateTimeOffset now, CancellationToken ct) =>
        database.TransactAsync((connection, token) => AcceptAsync(connection, restaurantId, account, tokenHash, now, token), ct);

    /// <summary>Removes a member of the staff; false if that would leave the restaurant without an owner.</summary>
    public Task<bool> TryRemoveAsync(Guid restaurantId, Guid accountId, CancellationToken ct) =>
        database.TransactAsync(
            async (connection, token) =>
            {
                // Of two owners who remove each other, one waits here and then finds itself the last.
                var owners = new List<Guid>();
                await using (var find = new NpgsqlCommand(
                    "SELECT account_id FROM staff WHERE restaurant_id = $1 AND role = 'Owner' FOR UPDATE", connection).With(restaurantId))
                await using (var row = await find.ExecuteReaderAsync(token))
                {
                    while (await row.ReadAsync(token))
                    {
                        owners.Add(row.GetGuid(0));
                    }
                }

                if (owners is [var last] && last == accountId)
                {
                    return false;
                }

                await using var remove = Remove(connection, restaurantId, accountId);
                await remove.ExecuteNonQueryAsync(token);
                return true;
            },
            ct);

    /// <summary>Removes what a restaurant keeps of a person.</summary>
    public async Task EraseAsync(Guid restaurantId, StoredAccount account, CancellationToken ct)
    {
        await database.ExecuteAsync(RemoveOne, ct, restaurantId, account.Id);
        await database.ExecuteAsync("DELETE FROM invitations WHERE restaurant_id = $1 AND email = $2", ct, restaurantId, account.Email);
    }

    private static async Task<StaffRole?> AcceptAsync(
        NpgsqlConnection connection, Guid restaurantId, StoredAccount account, byte[] tokenHash, DateTimeOffset now, CancellationToken ct)
    {
        await using var accept = new NpgsqlCommand(
            $"UPDATE invitations SET accepted_at = $4 WHERE restaurant_id = $1 AND {OpenFor} RETURNING role", connection).With(restaurantId, tokenHash, account.Email, now);
        if (await accept.ExecuteScalarAsync(ct) is not string role)
        {
            return null;
        }

        await using var find = new NpgsqlCommand("SELECT role FROM staff WHERE restaurant_id = $1 AND account_id = $2", connection)
            .With(restaurantId, account.Id);
        if (await find.ExecuteScalarAsync(ct) is string own && Enum.Parse<StaffRole>(own) > Enum.Parse<StaffRole>(role))
        {
            role = own;
        }

        await using var remove = Remove(connection, restaurantId, account.Id);
        await remove.ExecuteNonQueryAsync(ct);
        await using var add = new NpgsqlCommand(
            "INSERT INTO staff (restaurant_id, account_id, role, email, name, added_at) VALUES ($1, $2, $3, $4, $5, $6)", connection)
            .With(restaurantId, account.Id, role, account.Email, account.Name, now);
        await add.ExecuteNonQueryAsync(ct);
        return Enum.Parse<StaffRole>(role);
    }

    private static NpgsqlCommand Remove(NpgsqlConnection connection, Guid restaurantId, Guid accountId) =>
        new NpgsqlCommand(RemoveOne, connection).With(restaurantId, accountId);

    private async Task<StaffRole?> ReadRoleAsync(string sql, Guid restaurantId, Guid id, CancellationToken ct) =>
        await database.FirstAsync(sql, row => row.GetString(0), ct, restaurantId, id) is { } role ? Enum.Parse<StaffRole>(role) : null;
}
