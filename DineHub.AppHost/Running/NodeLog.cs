using System.Globalization;

namespace DineHub.AppHost.Running;

/// <summary>Writes a node's output to its file, and keeps the last lines for messages.</summary>
internal sealed class NodeLog : IDisposable
{
    private const int KeptLines = 12;

    private readonly Queue<string> last = new();
    private readonly Lock gate = new();
    private readonly StreamWriter writer;

    /// <param name="path">The file; that of the previous run is kept as path.1.</param>
    public NodeLog(string path)
    {
        Path = path;
        if (File.Exists(path))
        {
            File.Move(path, path + ".1", overwrite: true);
        }

        writer = new StreamWriter(new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true };
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The last lines, the oldest first.</summary>
    public IReadOnlyList<string> Last
    {
        get
        {
            lock (gate)
            {
                return [.. last];
            }
        }
    }

    /// <summary>Whether a line is a warning or worse: of ASP.NET Core's console logger, or of PostgreSQL.</summary>
    /// <param name="line">The line.</param>
    public static bool IsNoteworthy(string line) =>
        line.StartsWith("warn:", StringComparison.Ordinal)
        || line.StartsWith("fail:", StringComparison.Ordinal)
        || line.StartsWith("crit:", StringComparison.Ordinal)
        || line.Contains(" WARNING:  ", StringComparison.Ordinal)
        || line.Contains(" ERROR:  ", StringComparison.Ordinal)
        || (line.Contains(" FATAL:  ", StringComparison.Ordinal) && !line.Contains("the database system is", StringComparison.Ordinal))
        || line.Contains(" PANIC:  ", StringComparison.Ordinal);

    /// <summary>Writes a line with the time (UTC).</summary>
    /// <param name="line">The line.</param>
    public void Write(string line)
    {
        lock (gate)
        {
            try
            {
                writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:HH:mm:ss.fff} {line}"));
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // A full disk, or a line that arrives after the log was closed: neither may end the AppHost.
            }

            last.Enqueue(line);
            if (last.Count > KeptLines)
            {
                last.Dequeue();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (gate)
        {
            writer.Dispose();
        }
    }
}
