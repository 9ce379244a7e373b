using System.Globalization;
using System.Runtime.InteropServices;

namespace DineHub.AppHost.Local;

/// <summary>The user that PostgreSQL runs as where this process is root, because it refuses to run as root.</summary>
/// <param name="Name">The user's name.</param>
/// <param name="UserId">The user's number.</param>
/// <param name="GroupId">The number of the user's group.</param>
/// <param name="Home">The user's folder, which libpq looks for certificates in.</param>
internal sealed partial record UnprivilegedUser(string Name, uint UserId, uint GroupId, string Home)
{
    private static readonly string[] Candidates = ["postgres", "nobody"];

    public IReadOnlyList<string> SetprivArguments =>
        ["--reuid", UserId.ToString(CultureInfo.InvariantCulture), "--regid", GroupId.ToString(CultureInfo.InvariantCulture), "--clear-groups"];

    /// <summary>The user to run as; null where this process is not root and PostgreSQL runs as itself.</summary>
    public static UnprivilegedUser? Find()
    {
        if (OperatingSystem.IsWindows() || !Environment.IsPrivilegedProcess)
        {
            return null;
        }

        var users = File.ReadLines("/etc/passwd").Select(line => line.Split(':')).Where(fields => fields.Length > 5).ToList();
        return Candidates
            .Select(name => users.Find(fields => fields[0] == name))
            .Where(fields => fields is not null)
            .Select(fields => new UnprivilegedUser(
                fields![0], uint.Parse(fields[2], CultureInfo.InvariantCulture), uint.Parse(fields[3], CultureInfo.InvariantCulture), fields[5]))
            .FirstOrDefault()
            ?? throw new PrerequisiteException("PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody'.", "Run as an ordinary user.");
    }

    /// <summary>Hands a file or folder over to the user.</summary>
    /// <exception cref="IOException">The file system refuses.</exception>
    public void Own(string path)
    {
        if (ChangeOwner(path, UserId, GroupId) != 0)
        {
            throw new IOException($"'{path}' could not be given to user {Name} (errno {Marshal.GetLastPInvokeError()}).");
        }
    }

    [LibraryImport("libc", EntryPoint = "chown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, uint owner, uint group);
}
