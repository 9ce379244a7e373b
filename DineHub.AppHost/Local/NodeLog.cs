using System.Diagnostics;
using System.Globalization;

namespace DineHub.AppHost.Local;

/// <summary>Writes a node's output to its file, keeps the last lines for messages, and passes on what an operator should see.</summary>
internal sealed class NodeLog : IDisposable
{
    private const int KeptLines = 12;

    private readonly Queue<string> last = new();
    private readonly Lock gate = new();
    private readonly StreamWriter writer;
    private readonly Action<string>? echo;

    /// <param name="path">The file; the one of the run before is kept as path.1.</param>
    /// <param name="echo">Gets every line that is written.</param>
    public NodeLog(string path, Action<string>? echo)
    {
        Path = path;
        this.echo = echo;
        if (File.Exists(path))
        {
            File.Move(path, path + ".1", overwrite: true);
        }

        writer = new StreamWriter(new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true };
    }

    public string Path { get; }

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
    public static bool IsNoteworthy(string line) =>
        line.StartsWith("warn:", StringComparison.Ordinal)
        || line.StartsWith("fail:", StringComparison.Ordinal)
        || line.StartsWith("crit:", StringComparison.Ordinal)
        || line.Contains(" WARNING:  ", StringComparison.Ordinal)
        || line.Contains(" ERROR:  ", StringComparison.Ordinal)
        || (line.Contains(" FATAL:  ", StringComparison.Ordinal) && !line.Contains("the database system is", StringComparison.Ordinal))
        || line.Contains(" PANIC:  ", StringComparison.Ordinal);

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
                // A full disk, or the last words of a process after the cluster was closed: neither may take the supervisor down.
            }

            last.Enqueue(line);
            if (last.Count > KeptLines)
            {
                last.Dequeue();
            }
        }

        echo?.Invoke(line);
    }

    /// <summary>Writes what a process prints, from now until its end.</summary>
    public void Follow(Process process)
    {
        process.OutputDataReceived += OnOutput;
        process.ErrorDataReceived += OnOutput;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public void Dispose()
    {
        lock (gate)
        {
            writer.Dispose();
        }
    }

    private void OnOutput(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is { Length: > 0 } text)
        {
            Write(text);
        }
    }
}
