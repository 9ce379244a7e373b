using DineHub.AppHost.Prerequisites;

namespace DineHub.Tests.Prerequisites;

public sealed class PackageManagerTests
{
    [Theory]
    [InlineData("apt-get", "sudo apt-get update && sudo apt-get install -y", "postgresql", "postgresql-contrib")]
    [InlineData("dnf", "sudo dnf install -y", "postgresql-server postgresql-contrib", "postgresql-contrib")]
    [InlineData("zypper", "sudo zypper install -y", "postgresql-server postgresql-contrib", "postgresql-contrib")]
    [InlineData("pacman", "sudo pacman -S --needed --noconfirm", "postgresql", "postgresql")]
    [InlineData("brew", "brew install", "postgresql@17", "postgresql@17")]
    public void Commands_fit_the_package_manager_and_the_user(string program, string install, string server, string contrib)
    {
        using var scripted = new ScriptedMachine().With(program, "");
        var manager = PackageManager.Find(scripted.Machine)!;
        PackageManager.Text(manager.Commands(manager.Server, isPrivileged: false)).ShouldBe($"{install} {server}");
        PackageManager.Text(manager.Commands(manager.Contrib, isPrivileged: false)).ShouldBe($"{install} {contrib}");

        var asRoot = install.Replace("sudo ", "", StringComparison.Ordinal);
        PackageManager.Text(manager.Commands(manager.Server, isPrivileged: true)).ShouldBe($"{asRoot} {server}");
        PackageManager.Text(manager.Commands(manager.Contrib, isPrivileged: true)).ShouldBe($"{asRoot} {contrib}");
    }

    [Theory]
    [InlineData("apt-get", false, true, null)]
    [InlineData("apt-get", false, false, "there is no 'sudo'")]
    [InlineData("apt-get", true, false, null)]
    [InlineData("dnf", false, false, "there is no 'sudo'")]
    [InlineData("pacman", false, false, "there is no 'sudo'")]
    [InlineData("brew", false, false, null)]
    [InlineData("brew", true, true, "refuses to run as root")]
    public void Obstacle_is_a_missing_sudo_or_root_with_Homebrew(string program, bool isPrivileged, bool hasSudo, string? obstacle)
    {
        using var scripted = new ScriptedMachine().With(program, "");
        if (hasSudo)
        {
            scripted.WithSudo();
        }

        var machine = scripted.Machine with { IsPrivileged = isPrivileged };
        (PackageManager.Find(machine)!.Obstacle(machine) ?? "").ShouldContain(obstacle ?? "");
        (PackageManager.Find(machine)!.Obstacle(machine) is null).ShouldBe(obstacle is null);
    }

    [Fact]
    public void System_package_manager_is_preferred_to_Homebrew_on_Linux()
    {
        using var scripted = new ScriptedMachine().With("brew", "").With("apt-get", "");
        PackageManager.Find(scripted.Machine)!.Program.ShouldBe("apt-get");
    }
}
