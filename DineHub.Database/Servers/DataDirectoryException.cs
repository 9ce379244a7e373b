using DineHub.Database.Tools;

namespace DineHub.Database.Servers;

/// <summary>A server's data folder cannot be written: its disk is full, or PostgreSQL's user may not enter it. The message is one line with the remedy.</summary>
/// <param name="message">The message.</param>
/// <param name="innerException">What the program or the file system reported.</param>
public sealed class DataDirectoryException(string message, Exception innerException) : Exception(message, innerException)
{
    private const string DiskFull = "No space left";
    private const string Denied = "Permission denied";

    // A shell's, setpriv's and this process' codes of a program that cannot be run: then the program is the trouble, not the data.
    private const int CannotRun = 126;

    /// <summary>What a failure means for the data folder.</summary>
    /// <param name="failure">The failure of a program or of the file system.</param>
    /// <param name="dataDirectory">The data folder.</param>
    /// <returns>The exception to throw in its place; null where the failure means something else.</returns>
    public static DataDirectoryException? From(Exception failure, string dataDirectory)
    {
        var text = failure switch
        {
            ToolException { ExitCode: < CannotRun } tool => tool.Output,
            IOException file => file.Message,
            UnauthorizedAccessException => Denied,
            _ => "",
        };
        return text switch
        {
            _ when text.Contains(DiskFull, StringComparison.Ordinal) => new DataDirectoryException(
                $"{DiskFull} on the disk of '{dataDirectory}': free some space, or choose a folder on another disk with --data DIR.", failure),
            _ when text.Contains(Denied, StringComparison.Ordinal) => new DataDirectoryException(
                $"{Denied}: the user that PostgreSQL runs as cannot reach '{dataDirectory}'. Choose a folder that it can pass through, such as one below /var/lib: --data DIR.",
                failure),
            _ => null,
        };
    }
}
