using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using DineHub.AppHost.Composition;
using DineHub.AppHost.Databases;
using DineHub.AppHost.Prerequisites;
using DineHub.AppHost.Running;
using DineHub.Tests.Aspire;
using DineHub.Tests.Prerequisites;
using DineHub.Topology.Configuration;

namespace DineHub.Tests.Containers;

/// <summary>The application's model with databases in containers, by a container engine that is scripted: nothing is started.</summary>
public sealed class ContainerModelTests : IDisposable
{
    private static readonly string[] Servers =
    [
        "db-coordinator", "db-worker-1", "db-worker-2", "db-worker-3",
        "db-coordinator-standby", "db-worker-1-standby", "db-worker-2-standby", "db-worker-3-standby",
    ];

    private readonly TemporaryDirectory directory = new();
    private readonly ScriptedMachine scripted = new();
    private readonly string hash;
    private ClusterLayout? layout;
    private (ClusterNodes Nodes, ProgramLogs Programs)? composed;

    public ContainerModelTests() => hash = ClusterDirectory.HashOf(directory.Path);

    public void Dispose()
    {
        composed?.Nodes.Dispose();
        composed?.Programs.Dispose();
        layout?.Dispose();
        scripted.Dispose();
        directory.Dispose();
    }

    [Fact]
    public async Task Each_server_is_one_container_of_the_image_that_is_built_once()
    {
        await using var application = await CreateAsync();
        application.Resources.OfType<PostgresServerResource>().Select(server => server.Name).ShouldBe([.. Servers, "db-worker-4"], ignoreOrder: true);
        foreach (var server in application.Resources.OfType<PostgresServerResource>())
        {
            var image = server.Annotations.OfType<ContainerImageAnnotation>().ShouldHaveSingleItem();
            (image.Registry, image.Image, image.Tag).ShouldBe((null, ContainerServers.Image, ContainerServers.Tag));
            server.Annotations.OfType<ContainerImagePullPolicyAnnotation>().Last().ImagePullPolicy.ShouldBe(ImagePullPolicy.Never);
            server.HasAnnotationOfType<DockerfileBuildAnnotation>().ShouldBeFalse();
            server.Annotations.OfType<HealthCheckAnnotation>().ShouldHaveSingleItem().Key.ShouldBe($"{server.Name}-ready");
            application.Waits(server.Name)[ContainerServers.BuildName].ShouldBe(WaitType.WaitForCompletion);
        }

        application.Resource("db-worker-4").HasAnnotationOfType<ExplicitStartupAnnotation>().ShouldBeTrue();
    }

    [Fact]
    public async Task The_image_is_built_from_the_folder_of_the_API()
    {
        await using var application = await CreateAsync();
        var build = application.Resource(ContainerServers.BuildName).ShouldBeOfType<ExecutableResource>();
        build.Command.ShouldBe("docker");
        var arguments = await application.ArgumentsAsync(build.Name);
        arguments.Take(4).ShouldBe(["build", "--tag", $"{ContainerServers.Image}:{ContainerServers.Tag}", "--file"]);
        File.Exists(arguments[4]).ShouldBeTrue();
        File.Exists(Path.Combine(arguments[5], "DineHub.Api.dll")).ShouldBeTrue();
        File.Exists(Path.Combine(arguments[5], "serve.sh")).ShouldBeTrue();
    }

    [Fact]
    public async Task Servers_listen_on_ports_of_this_machine_and_know_each_other_by_name()
    {
        await using var application = await CreateAsync();
        var endpoints = Servers.Select(name => application.Endpoints(name)["tcp"]).ToList();
        endpoints.ShouldAllBe(endpoint => !endpoint.IsProxied && endpoint.TargetPort == 5432 && endpoint.TargetHost == "127.0.0.1");
        endpoints.Select(endpoint => endpoint.Port).ShouldBe(layout!.Servers.Select(server => (int?)server.Port));
        var verbs = await application.EnvironmentAsync("db-migrate");
        verbs["Database__Engine"].ShouldBe("Citus");
        (verbs["Database__Nodes__1__Host"], verbs["Database__Nodes__1__PeerHost"], verbs["Database__Nodes__1__PeerPort"]).ShouldBe(("127.0.0.1", "db-worker-2", "5432"));
        verbs.Keys.ShouldNotContain(key => key.StartsWith("Database__Servers", StringComparison.Ordinal) || key.StartsWith("Database__Backups", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_server_gets_the_settings_of_the_tables()
    {
        await using var application = await CreateAsync();
        (await application.ArgumentsAsync("db-worker-1")).ShouldBe(
        [
            "db-worker-1", "/var/lib/postgresql/data/pgdata", "/usr/local/lib/postgresql/bin",
            "--setting", "max_prepared_transactions=200", "--setting", "wal_level=logical", "--setting", "wal_keep_size=256MB", "--setting", "shared_preload_libraries=citus",
            "--",
            "/usr/local/lib/postgresql/bin/postgres", "-D", "/var/lib/postgresql/data/pgdata",
            .. ServerSettings.Arguments(ServerSettings.ForContainer("/usr/local/lib/dinehub/pg_hba.conf")),
        ]);
        var files = application.Resource("db-worker-1").Annotations.OfType<ContainerFileSystemCallbackAnnotation>().ShouldHaveSingleItem();
        files.DestinationPath.ShouldBe("/usr/local/lib/dinehub");
        var rules = (await files.Callback(null!, CancellationToken.None)).ShouldHaveSingleItem().ShouldBeOfType<ContainerFile>();
        (rules.Name, rules.Contents).ShouldBe(("pg_hba.conf", HbaRules.ForContainer()));
    }

    [Fact]
    public async Task Passwords_are_in_a_file_of_the_owner_and_not_on_command_lines()
    {
        await using var application = await CreateAsync();
        var secrets = layout!.Secrets;
        string[] passwords = [secrets.PostgresPassword, secrets.ApiPassword, secrets.ReplicationPassword!, secrets.MigratorPassword!, secrets.MonitorPassword!];

        // Aspire makes a container by 'docker create --env NAME=VALUE'.
        (await application.EnvironmentAsync("db-worker-1")).Keys.ShouldBe(["LC_ALL", "DOTNET_TieredPGO"], ignoreOrder: true);
        var options = await RuntimeArgumentsAsync(application, "db-worker-1");
        options.ShouldBe(["--env-file", Path.Combine(directory.Path, "nodes", "db-worker-1", "join.env"), "--label", $"dinehub.cluster={hash}"]);
        foreach (var text in options.Concat(await application.ArgumentsAsync("db-worker-1")).Concat(await application.ArgumentsAsync(ContainerServers.BuildName)))
        {
            passwords.ShouldAllBe(password => !text.Contains(password, StringComparison.Ordinal));
        }

        File.GetUnixFileMode(options[1]).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var environment = (await File.ReadAllLinesAsync(options[1])).Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        (environment["Database__CoordinatorHost"], environment["Database__CoordinatorPort"]).ShouldBe(("db-coordinator", "5432"));
        (environment["Database__Nodes__0__Host"], environment["Database__Nodes__0__Port"]).ShouldBe(("db-worker-1", "5432"));
        environment["Database__ReplicationPassword"].ShouldBe(secrets.ReplicationPassword);
        environment["Database__AdminConnectionString"].ShouldContain(secrets.PostgresPassword);
    }

    [Fact]
    public async Task Backends_do_not_get_the_superusers_password()
    {
        await using var application = await CreateAsync();
        foreach (var name in new[] { "backend-eu-1", "ingress-eu-1" })
        {
            (await application.EnvironmentAsync(name)).Values.ShouldAllBe(value => !value.Contains(layout!.Secrets.PostgresPassword, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Each_server_has_a_volume_of_its_own_for_this_folder()
    {
        await using var application = await CreateAsync();
        foreach (var name in Servers)
        {
            var mount = application.Resource(name).Annotations.OfType<ContainerMountAnnotation>().ShouldHaveSingleItem();
            (mount.Type, mount.Source, mount.Target).ShouldBe((ContainerMountType.Volume, $"dinehub-{hash}-{name}", "/var/lib/postgresql/data"));
        }
    }

    [Fact]
    public async Task A_new_folder_removes_the_containers_and_volumes_of_its_name_and_no_others()
    {
        await using var application = await CreateAsync(volumes: ["dinehub-00000000-db-worker-1", $"dinehub-{hash}-db-worker-1", "postgres", $"dinehub-{hash}-db-worker-2"], containers: "c1 c2");
        scripted.Calls.ShouldContain($"docker ps --all --quiet --filter label=dinehub.cluster={hash}");
        scripted.Calls.ShouldContain("docker rm --force c1 c2");
        scripted.Calls.Where(call => call.StartsWith("docker volume rm", StringComparison.Ordinal))
            .ShouldBe([$"docker volume rm dinehub-{hash}-db-worker-1 dinehub-{hash}-db-worker-2"]);
    }

    [Fact]
    public async Task A_folder_with_data_keeps_its_volumes_and_a_standby_that_was_ready_starts_before_the_migration()
    {
        foreach (var name in new[] { "db-worker-1-standby", "db-worker-2-standby" })
        {
            Directory.CreateDirectory(Path.Combine(directory.Path, "nodes", name));
        }

        await File.WriteAllTextAsync(Path.Combine(directory.Path, ".dinehub"), "");
        await File.WriteAllTextAsync(Path.Combine(directory.Path, "secrets.json"), """{ "postgresPassword": "p", "apiPassword": "a", "operatorKey": "o" }""");
        await File.WriteAllTextAsync(Path.Combine(directory.Path, "nodes", "db-worker-2-standby", "was-ready"), "");
        await using var application = await CreateAsync(volumes: [$"dinehub-{hash}-db-worker-1-standby", $"dinehub-{hash}-db-worker-2-standby"]);
        scripted.Calls.ShouldNotContain(call => call.StartsWith("docker volume rm", StringComparison.Ordinal));
        application.Waits("db-worker-2-standby").Keys.ShouldBe([ContainerServers.BuildName]);
        application.Waits("db-migrate").Keys.ShouldContain("db-worker-2-standby");
        application.Waits("db-worker-1-standby").Keys.ShouldContain("db-migrate");
    }

    [Fact]
    public async Task A_volume_that_cannot_be_removed_is_named_with_the_command()
    {
        var refused = await Should.ThrowAsync<PrerequisiteException>(() => CreateAsync(volumes: [$"dinehub-{hash}-db-worker-1"], removal: "echo 'volume is in use' >&2; exit 1"));
        refused.Message.ShouldContain("volume is in use");
        refused.Message.ShouldContain($"'docker volume rm dinehub-{hash}-db-worker-1'");
        File.Exists(Path.Combine(directory.Path, "secrets.json")).ShouldBeFalse();
    }

    [Fact]
    public async Task There_are_no_commands_for_backups()
    {
        await using var application = await CreateAsync();
        application.Resource("db-coordinator").Annotations.OfType<ResourceCommandAnnotation>().Select(command => command.Name)
            .ShouldBe(["kill", "suspend", "resume", "promote-standby", "db-status", "psql", "add-worker"], ignoreOrder: true);
        application.Resource("pgadmin").HasAnnotationOfType<ExplicitStartupAnnotation>().ShouldBeTrue();
    }

    [Fact]
    public async Task Psql_runs_in_the_container_and_gets_the_password_by_its_environment()
    {
        await using var application = await CreateAsync();
        var psql = layout!.Kind.Psql(layout.Coordinator, "c0ffee", layout.Secrets.PostgresPassword, "SELECT 1");
        psql.Arguments.Take(4).ShouldBe(["exec", "--env", "PGPASSWORD", "c0ffee"]);
        psql.Arguments.ShouldNotContain(argument => argument.Contains(layout.Secrets.PostgresPassword, StringComparison.Ordinal));
        psql.Environment["PGPASSWORD"].ShouldBe(layout.Secrets.PostgresPassword);
    }

    private static async Task<IReadOnlyList<string>> RuntimeArgumentsAsync(AspireModel application, string name)
    {
        var arguments = new List<object>();
        foreach (var annotation in application.Resource(name).Annotations.OfType<ContainerRuntimeArgsCallbackAnnotation>())
        {
            await annotation.Callback(new ContainerRuntimeArgsCallbackContext(arguments));
        }

        return [.. arguments.Select(argument => argument.ToString()!)];
    }

    private async Task<AspireModel> CreateAsync(string[]? volumes = null, string containers = "", string removal = "")
    {
        scripted.With("docker", $"""
            case "$*" in
                'volume ls --quiet') printf '%s\n' {string.Join(' ', volumes ?? [])} ;;
                'volume rm '*) {removal} : ;;
                'ps --all '*) printf '%s\n' {containers} ;;
                'rm --force '*) ;;
                *) exit 125 ;;
            esac
            """);
        var options = new RunOptions { Source = new TopologySource(ReferenceTopology.File, []), DataDirectory = directory.Path };
        var servers = new ContainerServers(new ContainerRuntime("docker", scripted.Machine));
        layout = await ClusterLayout.ToRunAsync(ReferenceTopology.Load(), options, servers, CancellationToken.None);
        var builder = ClusterApplication.CreateBuilder(options);
        composed = new ClusterComposition(builder, layout).Compose();
        return new AspireModel(builder);
    }
}
