namespace DineHub.Database.Servers;

/// <summary>Where a server keeps what, on its own machine.</summary>
/// <param name="DataDirectory">Its data folder, which need not exist yet. The folder around it belongs to the server's user.</param>
/// <param name="BinDirectory">Where PostgreSQL's programs are; null for PATH.</param>
public sealed record ServerFiles(string DataDirectory, string? BinDirectory)
{
    /// <summary>Its data folder: a full path without a separator at its end.</summary>
    public string DataDirectory { get; } = Path.TrimEndingDirectorySeparator(Path.GetFullPath(DataDirectory));

    /// <summary>Whether there is data to start from.</summary>
    public bool HasData => File.Exists(this["PG_VERSION"]);

    /// <summary>The folder around the data folder.</summary>
    internal string Parent => Path.GetDirectoryName(DataDirectory) ?? DataDirectory;

    internal string this[string name] => Path.Combine(DataDirectory, name);

    /// <summary>A program of PostgreSQL.</summary>
    /// <param name="name">Its name.</param>
    public string Program(string name) => BinDirectory is null ? name : Path.Combine(BinDirectory, name);

    internal static void Remove(string directory)
    {
        if (Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
