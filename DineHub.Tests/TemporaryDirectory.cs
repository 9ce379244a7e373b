namespace DineHub.Tests;

/// <summary>A folder that PostgreSQL's own user can reach also where the tests run as root, gone afterwards.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public TemporaryDirectory()
    {
        Path = System.IO.Path.Combine(Root, "dinehub-tests-" + Guid.NewGuid().ToString("n")[..12]);
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    private static string Root => Directory.Exists("/var/tmp") ? "/var/tmp" : System.IO.Path.GetTempPath();

    public void Dispose()
    {
        if (Directory.Exists(Path))
        {
            Directory.Delete(Path, recursive: true);
        }
    }
}
