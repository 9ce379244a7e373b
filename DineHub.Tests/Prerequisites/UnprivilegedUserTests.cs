using DineHub.AppHost.Prerequisites;

namespace DineHub.Tests.Prerequisites;

public sealed class UnprivilegedUserTests : IDisposable
{
    private readonly ScriptedMachine scripted = new();

    private LocalMachine AsRoot => scripted.Machine with { IsPrivileged = true };

    [Fact]
    public void Ordinary_user_runs_PostgreSQL_as_itself() => UnprivilegedUser.Find(scripted.Machine).ShouldBeNull();

    [Fact]
    public void Root_runs_PostgreSQL_as_the_first_known_user()
    {
        scripted.With("setpriv", "");
        UnprivilegedUser.Find(AsRoot)!.SetprivArguments.ShouldBe(["--reuid", "65534", "--regid", "65533", "--clear-groups"]);
    }

    [Fact]
    public void Root_without_setpriv_is_refused_with_its_package()
    {
        var refused = Should.Throw<PrerequisiteException>(() => UnprivilegedUser.Find(AsRoot));
        refused.Problem.ShouldContain("setpriv");
        refused.Remedy.ShouldContain("apt-get install util-linux");
    }

    [Fact]
    public void Root_on_macOS_is_refused()
    {
        var refused = Should.Throw<PrerequisiteException>(() => UnprivilegedUser.Find(AsRoot with { IsMacOS = true }));
        refused.Remedy.ShouldBe("Run as an ordinary user.");
    }

    [Fact]
    public void Root_without_a_known_user_is_refused()
    {
        scripted.With("setpriv", "");
        File.WriteAllText(Path.Combine(scripted.Root, "etc", "passwd"), "root:x:0:0:root:/root:/bin/sh\n");
        Should.Throw<PrerequisiteException>(() => UnprivilegedUser.Find(AsRoot)).Problem.ShouldContain("no user 'postgres'");
    }

    public void Dispose() => scripted.Dispose();
}
