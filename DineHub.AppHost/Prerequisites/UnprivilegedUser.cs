using System.Globalization;
using System.Runtime.InteropServices;

namespace DineHub.AppHost.Prerequisites;

/// <summary>The user that PostgreSQL runs as where this process is root, because it refuses to run as root.</summary>
/// <param name="Name">The user's name.</param>
/// <param name="UserId">The user's number.</param>
/// <param name="GroupId">The number of the user's group.</param>
/// <param name="Home">The user's folder, which libpq looks for certificates in.</param>
internal sealed partial record UnprivilegedUser(string Name, uint UserId, uint GroupId, string Home)
{
    private static readonly string[] Candidates = ["postgres", "nobody"];

    public IReadOnlyList<string> SetprivArguments =>
    [
        "--reuid", UserId.ToString(CultureInfo.InvariantCulture),
        "--regid", GroupId.ToString(CultureInfo.InvariantCulture),
        "--clear-groups",
    ];

    /// <summary>The user to run PostgreSQL as; null where this process is not root and PostgreSQL runs as itself.</summary>
    /// <param name="machine">Where to look; this machine where nothing is given.</param>
    /// <exception cref="PrerequisiteException">This process is root, and there is no such user, or no <c>setpriv</c>.</exception>
    public static UnprivilegedUser? Find(LocalMachine? machine = null)
    {
        machine ??= LocalMachine.Current;
        if (!machine.IsPrivileged)
        {
            return null;
        }

        if (machine.FindProgram("setpriv") is null)
        {
            throw new PrerequisiteException(
                "PostgreSQL does not run as root, and there is no 'setpriv' to run it as another user.",
                machine.IsMacOS
                    ? "Run as an ordinary user."
                    : "Run as an ordinary user, or install it: 'apt-get install util-linux', 'dnf install util-linux'.");
        }

        var lines = File.ReadLines(machine.PathOf("/etc/passwd"));
        var users = lines.Select(line => line.Split(':')).Where(fields => fields.Length > 5).ToList();
        return Candidates
            .Select(name => users.Find(fields => fields[0] == name))
            .OfType<string[]>()
            .Select(FromPasswd)
            .FirstOrDefault()
            ?? throw new PrerequisiteException(
                "PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody'.", "Run as an ordinary user.");
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

    // passwd(5): name, password, user, group, comment, home
    private static UnprivilegedUser FromPasswd(string[] fields) => new(
        fields[0], uint.Parse(fields[2], CultureInfo.InvariantCulture), uint.Parse(fields[3], CultureInfo.InvariantCulture), fields[5]);

    [LibraryImport("libc", EntryPoint = "chown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, uint owner, uint group);
}
