using DineHub.Database.Cluster;
using Microsoft.Extensions.Configuration;

namespace DineHub.Database.Backups;

/// <summary>A database server on this machine.</summary>
/// <param name="Name">Its name: <c>db-worker-1</c>.</param>
/// <param name="DataDirectory">Its data folder. The folder around it is the server's user's, and pgBackRest's own files go there.</param>
/// <param name="SocketDirectory">Where its unix socket is; the folder around its data where none is given.</param>
public sealed record ServerOnThisMachine(string Name, string DataDirectory, string? SocketDirectory = null)
{
    /// <summary>The folder around its data.</summary>
    public string HomeDirectory => Path.GetDirectoryName(Path.GetFullPath(DataDirectory))!;
}

/// <summary>Where backups go, and what is backed up on this machine.</summary>
public sealed record BackupOptions
{
    /// <summary>Where the backups go.</summary>
    public required BackupRepository Repository { get; init; }

    /// <summary>What the repository is encrypted with. Secret.</summary>
    public required string Passphrase { get; init; }

    /// <summary>The database servers of this machine.</summary>
    public required IReadOnlyList<ServerOnThisMachine> Servers { get; init; }

    /// <summary>Where PostgreSQL's programs are; null for PATH.</summary>
    public string? BinDirectory { get; init; }

    /// <summary>Full backups to keep, at least 1.</summary>
    public int FullBackups { get; init; } = 2;

    /// <summary>Differential backups to keep, at least 1.</summary>
    public int DifferentialBackups { get; init; } = 7;

    /// <summary>Reads the options.</summary>
    /// <param name="configuration">
    /// <c>Database:Backups:Directory</c>, or <c>Database:Backups:S3:{Bucket,Region,Endpoint,Prefix}</c>; <c>Database:Backups:Passphrase</c>,
    /// <c>Database:Backups:{FullBackups,DifferentialBackups}</c>, <c>Database:Servers:n:{Name,DataDirectory,SocketDirectory}</c>, <c>Database:BinDirectory</c>.
    /// </param>
    /// <exception cref="DatabaseConfigurationException">Something is missing or wrong; the message lists everything.</exception>
    public static BackupOptions Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        if (!configuration.GetSection("Database:Servers").GetChildren().Any())
        {
            throw new DatabaseConfigurationException(
            [
                "Database:Servers: is empty. Backups are taken where the servers run as processes (Database:Servers:0:Name, :DataDirectory); servers in containers have none.",
            ]);
        }

        var errors = new List<string>();
        var section = configuration.GetSection("Database:Backups");

        string Required(IConfigurationSection place, string key)
        {
            if (string.IsNullOrWhiteSpace(place[key]))
            {
                errors.Add($"{place.Path}:{key}: is required.");
            }

            return place[key] ?? "";
        }

        int Kept(string key, int fallback)
        {
            if (section[key] is not { } text)
            {
                return fallback;
            }

            if (!int.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var number) || number is < 1 or > 1000)
            {
                errors.Add($"{section.Path}:{key}: must be a whole number from 1 to 1000, but is '{text}'.");
            }

            return number;
        }

        var s3 = section.GetSection("S3");
        if (section["Directory"] is null == !s3.Exists())
        {
            errors.Add("Database:Backups: either Directory or S3 (Bucket, Region, Endpoint, Prefix) is required.");
        }

        var options = new BackupOptions
        {
            Repository = s3.Exists()
                ? new S3Repository(Required(s3, "Bucket"), Required(s3, "Region"), Required(s3, "Endpoint"), s3["Prefix"] ?? "/dinehub")
                : new DirectoryRepository(section["Directory"] ?? ""),
            Passphrase = Required(section, "Passphrase"),
            Servers = [.. configuration.GetSection("Database:Servers").GetChildren()
                .Select(server => new ServerOnThisMachine(Required(server, "Name"), Required(server, "DataDirectory"), server["SocketDirectory"]))],
            BinDirectory = configuration["Database:BinDirectory"],
            FullBackups = Kept("FullBackups", 2),
            DifferentialBackups = Kept("DifferentialBackups", 7),
        };
        return errors.Count == 0 ? options : throw new DatabaseConfigurationException(errors);
    }
}
