namespace DineHub.Database.Backups;

/// <summary>Where backups are kept.</summary>
public abstract record BackupRepository
{
    private protected BackupRepository()
    {
    }
}

/// <summary>A directory, for a local cluster. Several servers may share it.</summary>
/// <param name="Path">An absolute path that the server's user may write to.</param>
public sealed record DirectoryRepository(string Path) : BackupRepository;

/// <summary>A bucket of S3, reached with the instance's role: there are no keys. Several servers may share it.</summary>
/// <param name="Bucket">The bucket's name.</param>
/// <param name="Region">Its region.</param>
/// <param name="Endpoint">The host that serves it, such as <c>s3.eu-west-1.amazonaws.com</c>.</param>
/// <param name="Prefix">The path in the bucket; begins with a slash.</param>
public sealed record S3Repository(string Bucket, string Region, string Endpoint, string Prefix) : BackupRepository;
