namespace DineHub.Tests;

/// <summary>A node's log, which the node writes to meanwhile.</summary>
internal static class LogFile
{
    public static async Task<string> ReadAsync(string path)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return await reader.ReadToEndAsync();
    }
}
