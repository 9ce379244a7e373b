namespace DineHub.Api.Accounts;

/// <summary>
/// Lets the tries to sign in to one account be counted one after the other at a replica. Side by side they would all wait for the account's row in the database, each
/// with a connection, and the last ones for longer than a statement may take.
/// </summary>
/// <param name="places">How many tries of an account may be there at once, the one that is counted included.</param>
/// <param name="maxWait">How long a try waits for its turn.</param>
internal sealed class TryTurns(int places, TimeSpan maxWait)
{
    private readonly Dictionary<Guid, Line> lines = [];

    /// <summary>Waits for the turn of a try.</summary>
    /// <param name="id">The account.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <returns>The turn, to be disposed of; null where there are too many before it, or they take too long.</returns>
    public async Task<Turn?> WaitAsync(Guid id, CancellationToken ct)
    {
        Line? line;
        lock (lines)
        {
            if (!lines.TryGetValue(id, out line))
            {
                lines[id] = line = new Line();
            }
            else if (line.Tries == places)
            {
                return null;
            }

            line.Tries++;
        }

        var isIts = false;
        try
        {
            isIts = await line.Free.WaitAsync(maxWait, ct);
            return isIts ? new Turn(this, id, line) : null;
        }
        finally
        {
            if (!isIts)
            {
                Leave(id, line);
            }
        }
    }

    private void Leave(Guid id, Line line)
    {
        lock (lines)
        {
            if (--line.Tries == 0)
            {
                lines.Remove(id);
            }
        }
    }

    /// <summary>The turn of one try.</summary>
    internal sealed class Turn(TryTurns turns, Guid id, Line line) : IDisposable
    {
        /// <summary>Whether more tries of the account wait for theirs.</summary>
        public bool IsAwaited
        {
            get
            {
                lock (turns.lines)
                {
                    return line.Tries > 1;
                }
            }
        }

        public void Dispose()
        {
            line.Free.Release();
            turns.Leave(id, line);
        }
    }

    /// <summary>The tries of one account.</summary>
    internal sealed class Line
    {
        public int Tries;

        // Without a wait handle it needs no disposal.
        public SemaphoreSlim Free { get; } = new(1);
    }
}
