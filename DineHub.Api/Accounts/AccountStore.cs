using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using DineHub.Api.Data;
using DineHub.Database.Connections;
using DineHub.Database.Locality;
using Npgsql;

namespace DineHub.Api.Accounts;

/// <summary>The tries to sign in to an account since the last one that succeeded.</summary>
/// <param name="LockedUntil">Until when no more are looked at.</param>
/// <param name="CountedAt">The time of the last one that was counted.</param>
internal sealed record StoredTries(DateTimeOffset? LockedUntil, DateTimeOffset CountedAt);

/// <summary>Accounts in the database. Every statement carries <c>account_id</c> and so touches one shard.</summary>
/// <param name="database">The database.</param>
internal sealed class AccountStore(ApiConnections database)
{
    private const string Columns = "account_id, email, name, phone, password_hash, session_epoch, is_operator, created_at";

    private byte[]? salt;

    /// <summary>The one form of an address: what differs in case is the same account.</summary>
    public static string Normalize(string email) => email.Trim().ToLowerInvariant();

    /// <summary>The id of an address: a UUID of version 8 (RFC 9562) from its HMAC-SHA256, keyed by what is random for a deployment.</summary>
    public async Task<Guid> IdOfAsync(string email, CancellationToken ct)
    {
        salt ??= Encoding.UTF8.GetBytes(await database.FirstAsync(
            "SELECT value FROM deployment WHERE name = 'account-salt'", row => row.GetString(0), ct)
            ?? throw new InvalidOperationException("The table deployment has no account-salt: run 'DineHub.Api db migrate'."));
        return HashedId.Of(HMACSHA256.HashData(salt, Encoding.UTF8.GetBytes(Normalize(email))));
    }

    /// <summary>Adds an account; false where its address has one.</summary>
    public async Task<bool> TryAddAsync(StoredAccount account, CancellationToken ct) =>
        await Sql.RetryConflicts.ExecuteAsync(
            async token => await database.ExecuteAsync(
                $"INSERT INTO accounts ({Columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
                token,
                account.Id,
                account.Email,
                account.Name,
                account.Phone,
                account.PasswordHash,
                account.SessionEpoch,
                account.IsOperator,
                account.CreatedAt),
            ct) == 1;

    public Task<StoredAccount?> FindAsync(Guid id, CancellationToken ct) =>
        database.FirstAsync($"SELECT {Columns} FROM accounts WHERE account_id = $1", Read, ct, id);

    /// <summary>The account that a token is of; null where it was erased, or its sessions were ended, since: another may have its address by now.</summary>
    public async Task<StoredAccount?> FindOwnAsync(ClaimsPrincipal user, CancellationToken ct) =>
        user.AccountId() is { } id
        && await FindAsync(id, ct) is { } account
        && user.FindFirstValue(DineHubClaims.SessionEpoch) == account.Epoch
            ? account
            : null;

    public async Task<StoredAccount?> ChangeAsync(Guid id, string name, string phone, CancellationToken ct) =>
        await Sql.RetryConflicts.ExecuteAsync(
            async token => await database.FirstAsync(
                $"UPDATE accounts SET name = $2, phone = $3 WHERE account_id = $1 RETURNING {Columns}", Read, token, id, name, phone),
            ct);

    /// <summary>Ends all sessions; with a password, changes it too.</summary>
    public async Task EndSessionsAsync(Guid id, string? passwordHash, CancellationToken ct) =>
        await Sql.RetryConflicts.ExecuteAsync(
            async token => await database.ExecuteAsync(
                "UPDATE accounts SET session_epoch = session_epoch + 1, password_hash = coalesce($2::text, password_hash) WHERE account_id = $1",
                token, id, passwordHash),
            ct);

    /// <summary>Stores a hash of the same password made with today's parameters.</summary>
    public Task RehashAsync(Guid id, string passwordHash, CancellationToken ct) =>
        database.ExecuteAsync("UPDATE accounts SET password_hash = $2 WHERE account_id = $1", ct, id, passwordHash);

    public async Task<bool> SetOperatorAsync(Guid id, bool isOperator, CancellationToken ct) =>
        await database.ExecuteAsync("UPDATE accounts SET is_operator = $2 WHERE account_id = $1", ct, id, isOperator) == 1;

    /// <summary>
    /// Counts one more try to sign in, before the password is looked at, so that tries side by side cannot outrun the count.
    /// The same for addresses without an account.
    /// </summary>
    /// <param name="id">The account.</param>
    /// <param name="now">The time of the try, in whole microseconds.</param>
    /// <param name="freeTries">Each multiple of them locks.</param>
    /// <param name="lockFor">For how long.</param>
    /// <param name="ct">Cancels it; whether the try was counted is unknown then.</param>
    /// <returns>Until when the address is locked; null where the try may go on.</returns>
    public async Task<DateTimeOffset?> CountTryAsync(Guid id, DateTimeOffset now, int freeTries, TimeSpan lockFor, CancellationToken ct) =>
        await Sql.RetryConflicts.ExecuteAsync(
            async token =>
            {
                while (true)
                {
                    // Every try of a multiple of freeTries locks; while it is locked nothing is counted.
                    // Twice, after the loss of a host, is on the safe side.
                    var counted = await database.ExecuteRepeatableAsync(
                        """
                        UPDATE sign_in_attempts
                        SET failures = failures + 1, updated_at = $2,
                            locked_until = CASE WHEN (failures + 1) % $3 = 0 THEN $4 ELSE locked_until END
                        WHERE account_id = $1 AND (locked_until IS NULL OR locked_until <= $2)
                        """, token, id, now, freeTries, now + lockFor);
                    if (counted == 1)
                    {
                        return (DateTimeOffset?)null;
                    }

                    var added = await database.ExecuteRepeatableAsync(
                        "INSERT INTO sign_in_attempts (account_id, failures, updated_at) VALUES ($1, 1, $2) ON CONFLICT DO NOTHING", token, id, now);
                    if (added == 1)
                    {
                        return null;
                    }

                    if (await FindTriesAsync(id, token) is { LockedUntil: { } lockedUntil } && lockedUntil > now)
                    {
                        return lockedUntil;
                    }
                }
            },
            ct);

    /// <summary>The tries that are counted; null where there are none.</summary>
    public Task<StoredTries?> FindTriesAsync(Guid id, CancellationToken ct) =>
        database.FirstAsync(
            "SELECT locked_until, updated_at FROM sign_in_attempts WHERE account_id = $1",
            row => new StoredTries(row.GetNullable<DateTimeOffset>(0), row.GetFieldValue<DateTimeOffset>(1)),
            ct,
            id);

    public async Task ForgetTriesAsync(Guid id, CancellationToken ct) =>
        await Sql.RetryConflicts.ExecuteAsync(
            async token => await database.ExecuteRepeatableAsync("DELETE FROM sign_in_attempts WHERE account_id = $1", token, id), ct);

    /// <summary>The restaurants where the account may work; the restaurants' own rows decide.</summary>
    public Task<List<Guid>> MembershipsAsync(Guid id, CancellationToken ct) =>
        database.ListAsync("SELECT restaurant_id FROM memberships WHERE account_id = $1", row => row.GetGuid(0), ct, id);

    public async Task AddMembershipAsync(Guid id, Guid restaurantId, CancellationToken ct) =>
        await Sql.RetryConflicts.ExecuteAsync(
            async token => await database.ExecuteAsync(
                "INSERT INTO memberships (account_id, restaurant_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", token, id, restaurantId),
            ct);

    /// <summary>Removes the account itself, and what else is kept under its id.</summary>
    public async Task EraseAsync(Guid id, CancellationToken ct)
    {
        foreach (var table in new[] { "memberships", "account_orders", "sign_in_attempts", "accounts" })
        {
            await database.ExecuteAsync($"DELETE FROM {table} WHERE account_id = $1", ct, id);
        }
    }

    private static StoredAccount Read(NpgsqlDataReader row) => new(
        row.GetGuid(0),
        row.GetString(1),
        row.GetString(2),
        row.GetString(3),
        row.GetString(4),
        row.GetInt32(5),
        row.GetBoolean(6),
        row.GetFieldValue<DateTimeOffset>(7));
}
