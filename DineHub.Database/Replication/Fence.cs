using DineHub.Database.Nodes;
using Npgsql;

namespace DineHub.Database.Replication;

/// <summary>
/// Ends a primary so that it cannot come back as one: a note in its data folder, which <c>db join</c> finds before the server starts again,
/// and a fast shutdown, which still sends everything to a standby that listens (PostgreSQL documentation, 19.5).
/// </summary>
internal static class Fence
{
    /// <summary>The note's name in the data folder.</summary>
    public const string File = "dinehub.fenced";

    // A server's programs run in its data folder; SQL has no word for "end yourself". Only a superuser may do this. On a full disk the note
    // stays empty, and serves as well. One that is left beside a server that goes on would keep it from starting again some day.
    private const string Shoot = $"""
        COPY (SELECT 'fenced at ' || now()) TO PROGRAM
        'cat > {File}; test -e {File} && kill -INT "$(head -n 1 postmaster.pid)" || (rm -f {File}; false)'
        """;

    public static async Task ApplyAsync(NpgsqlConnection primary, CancellationToken ct)
    {
        try
        {
            await primary.ExecuteAsync(Shoot, ct);
        }
        catch (NpgsqlException e) when (e is not PostgresException || ((PostgresException)e).SqlState is PostgresErrorCodes.AdminShutdown)
        {
            // The shutdown may end this session before its answer arrives. The caller checks that the server is gone.
        }
    }
}
