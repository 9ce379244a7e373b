#if USE_ASPIRE
using System.Reflection;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using DineHub.AppHost.Aspire;
using Microsoft.Extensions.Configuration.UserSecrets;
using Microsoft.Extensions.Hosting;
#endif

namespace DineHub.Tests.Aspire;

/// <summary>The application as it is put together, without a container started.</summary>
public sealed class AspireModelTests
{
#if USE_ASPIRE
    private static readonly string[] Listening = ["http", "https", "management"];

    [AspireFact]
    public async Task The_application_has_the_topologys_parts()
    {
        await using var application = await AspireModel.CreateAsync();
        var names = application.Resources.Where(resource => resource is not ParameterResource).Select(resource => resource.Name).ToList();
        foreach (var name in new[] { "db-coordinator", "db-worker-1", "db-worker-2", "db-worker-3", "dinehub", "db-migrate", "db-seed", "backend-eu", "backend-us", "gateway-eu", "gateway-us" })
        {
            names.ShouldContain(name);
        }

        names.ShouldNotContain("production");
        application.Resource("backend-eu").GetReplicaCount().ShouldBe(2);
        application.Resource("db-worker-4").HasAnnotationOfType<ExplicitStartupAnnotation>().ShouldBeTrue();
    }

    [AspireFact]
    public async Task Databases_are_Citus_at_a_pinned_version_with_volumes_health_checks_and_a_generated_password()
    {
        await using var application = await AspireModel.CreateAsync();
        foreach (var name in new[] { "db-coordinator", "db-worker-1" })
        {
            var resource = application.Resource(name);
            var image = resource.Annotations.OfType<ContainerImageAnnotation>().Single();
            image.Image.ShouldBe("citusdata/citus");
            image.Tag.ShouldNotBeNull().ShouldMatch(@"^\d+\.\d+\.\d+$");
            resource.Annotations.OfType<ContainerMountAnnotation>().ShouldContain(mount => mount.Target == "/var/lib/postgresql/data");
            resource.Annotations.OfType<HealthCheckAnnotation>().ShouldHaveSingleItem();
            var environment = await application.EnvironmentAsync(name);
            environment["POSTGRES_PASSWORD"].ShouldBe("{postgres-password.value}");
            environment["POSTGRES_DB"].ShouldBe("dinehub");
        }

        application.Resource("postgres-password").ShouldBeOfType<ParameterResource>().Secret.ShouldBeTrue();
        application.Resource("db-worker-1").ShouldBeAssignableTo<IResourceWithParent>()!.Parent.Name.ShouldBe("db-coordinator");
    }

    [AspireFact]
    public async Task Generated_passwords_are_kept_among_the_user_secrets_and_read_from_there_at_the_next_run()
    {
        await using var application = await AspireModel.CreateAsync();
        typeof(ClusterComposition).Assembly.GetCustomAttribute<UserSecretsIdAttribute>().ShouldNotBeNull().UserSecretsId.ShouldBe("dinehub-apphost");

        // In other environments nobody reads them.
        application.Environment.IsDevelopment().ShouldBeTrue();
        foreach (var name in new[] { "postgres-password", "api-password", "data-protection-key" })
        {
            application.Resource(name).ShouldBeOfType<ParameterResource>().Default.ShouldNotBeNull().GetType().Name.ShouldBe("UserSecretsParameterDefault");
        }
    }

    [AspireFact]
    public async Task The_migration_waits_for_all_nodes_the_backends_for_it_and_the_gateways_for_them()
    {
        await using var application = await AspireModel.CreateAsync();
        application.Waits("db-migrate").Keys.Order().ShouldBe(["db-coordinator", "db-worker-1", "db-worker-2", "db-worker-3"]);
        application.Waits("db-seed")["db-migrate"].ShouldBe(WaitType.WaitForCompletion);
        application.Waits("backend-eu")["db-migrate"].ShouldBe(WaitType.WaitForCompletion);
        application.Waits("gateway-eu").Keys.Order().ShouldBe(["backend-eu", "backend-us"]);
    }

    [AspireFact]
    public async Task Backends_get_the_configuration_that_the_local_run_gives_them()
    {
        await using var application = await AspireModel.CreateAsync();
        var environment = await application.EnvironmentAsync("backend-us");
        environment["DINEHUB_REGION"].ShouldBe("us-east-1");
        environment["ConnectionStrings__dinehub"].ShouldContain("dinehub.connectionString");
        environment["Operator__Key"].ShouldBe("{operator-key.value}");
        environment["DataProtection__Key"].ShouldBe("{data-protection-key.value}");
        environment.Keys.ShouldContain("Images__Directory");
        var expression = ((IResourceWithConnectionString)application.Resource("dinehub")).ConnectionStringExpression.ValueExpression;
        expression.ShouldContain("Username=dinehub_api");
        expression.ShouldContain("{api-password.value}");
        expression.ShouldContain("Database=dinehub");

        // Whichever of the two can be written to.
        expression.ShouldStartWith("Host={db-coordinator.bindings.tcp.host}:{db-coordinator.bindings.tcp.port},{db-coordinator-standby.bindings.tcp.host}:{db-coordinator-standby.bindings.tcp.port};");
    }

    [AspireFact]
    public async Task Gateways_are_told_of_all_backends_and_of_the_ingress_policy_and_only_their_public_ports_are_public()
    {
        await using var application = await AspireModel.CreateAsync();
        var environment = await application.EnvironmentAsync("gateway-eu");
        environment["ReverseProxy__Clusters__backends__Destinations__backend-us__Metadata__Region"].ShouldBe("us-east-1");
        environment["ReverseProxy__Clusters__backends__Destinations__backend-eu__Address"].ShouldBe("{backend-eu.bindings.http.url}");
        environment["Management__Port"].ShouldBe("{gateway-eu.bindings.management.targetPort}");
        environment.Keys.ShouldContain(key => key.StartsWith("Ingress__", StringComparison.Ordinal));
        environment.Keys.ShouldNotContain("ASPNETCORE_FORWARDEDHEADERS_ENABLED");
        var endpoints = application.Endpoints("gateway-eu");
        endpoints.Keys.Order().ShouldBe(Listening);
        endpoints["https"].IsExternal.ShouldBeTrue();
        endpoints["management"].IsExternal.ShouldBeFalse();
    }

    [AspireFact]
    public async Task Database_verbs_reach_the_nodes_from_here_and_tell_them_the_names_that_containers_have_among_themselves()
    {
        await using var application = await AspireModel.CreateAsync();
        var environment = await application.EnvironmentAsync("db-migrate");
        environment["Database__Engine"].ShouldBe("Citus");
        environment["Database__Durability"].ShouldBe("Standby");
        environment["Database__Standbys__1__Name"].ShouldBe("db-worker-1-standby");
        environment["Database__Standbys__1__Follows"].ShouldBe("db-worker-1");
        environment["Database__Standbys__1__Region"].ShouldBe("us-east-1");
        environment["Database__Standbys__1__Port"].ShouldBe("{db-worker-1-standby.bindings.tcp.port}");
        environment["Database__Standbys__1__PeerHost"].ShouldBe("db-worker-1-standby");
        environment["Database__Nodes__2__Name"].ShouldBe("db-worker-3");
        environment["Database__Nodes__2__Port"].ShouldBe("{db-worker-3.bindings.tcp.port}");
        environment["Database__Nodes__2__PeerHost"].ShouldBe("db-worker-3");
        environment["Database__Nodes__2__PeerPort"].ShouldBe("5432");
        environment["Database__CoordinatorPeerHost"].ShouldBe("db-coordinator");
        environment["Database__ApiPassword"].ShouldBe("{api-password.value}");
        environment.Keys.ShouldNotContain("Database__Nodes__3__Name");
        (await application.EnvironmentAsync("db-keeper"))["Database__Durability"].ShouldBe("Standby");

        // The spare worker has no standby that its commits could wait for.
        (await application.EnvironmentAsync("db-add-db-worker-4"))["Database__Durability"].ShouldBe("Local");
    }

    [AspireFact]
    public async Task Every_group_has_a_standby_of_the_same_image_whose_servers_see_the_same_notes()
    {
        await using var application = await AspireModel.CreateAsync();
        foreach (var name in new[] { "db-coordinator", "db-worker-1", "db-worker-2", "db-worker-3" })
        {
            var (home, standby) = (application.Resource(name), application.Resource(name + "-standby"));
            standby.ShouldBeAssignableTo<IResourceWithParent>()!.Parent.ShouldBe(home);
            standby.Annotations.OfType<ContainerImageAnnotation>().Single().Tag.ShouldBe(home.Annotations.OfType<ContainerImageAnnotation>().Single().Tag);
            Dictionary<string, string?> Volumes(IResource resource) =>
                resource.Annotations.OfType<ContainerMountAnnotation>().ToDictionary(mount => mount.Target, mount => mount.Source);
            Volumes(standby)["/var/lib/postgresql/data"].ShouldNotBe(Volumes(home)["/var/lib/postgresql/data"]);
            Volumes(standby)["/var/lib/citus"].ShouldBe(Volumes(home)["/var/lib/citus"]);
            foreach (var (server, peer) in new[] { (home, standby), (standby, home) })
            {
                ((ContainerResource)server).Entrypoint.ShouldBe("/bin/sh");
                var arguments = await application.ArgumentsAsync(server.Name);
                arguments.Take(3).ShouldBe(["/usr/local/share/citus-node.sh", "docker-entrypoint.sh", "postgres"]);
                arguments.ShouldContain("wal_level=logical");
                arguments.ShouldContain("hba_file=/usr/local/share/pg_hba.conf");
                var environment = await application.EnvironmentAsync(server.Name);
                environment["CITUS_NODE"].ShouldBe(server.Name);
                environment["CITUS_GROUP"].ShouldBe(name);
                environment["CITUS_PEER"].ShouldBe(peer.Name);
                environment["CITUS_FENCE"].ShouldBe(DineHub.Database.Replication.Fence.File);
            }
        }

        var spare = application.Resource("db-worker-4").ShouldBeAssignableTo<ContainerResource>()!;
        spare.Entrypoint.ShouldBeNull();
    }

    [AspireFact]
    public async Task Nothing_waits_for_a_standby_or_for_the_keeper_and_without_standbys_there_is_neither()
    {
        await using (var application = await AspireModel.CreateAsync())
        {
            foreach (var resource in application.Resources)
            {
                application.Waits(resource.Name).Keys.ShouldNotContain(name => name.EndsWith("-standby", StringComparison.Ordinal) || name == "db-keeper");
            }
        }

        await using var plain = await AspireModel.CreateAsync("--set", "Database:Standbys=false", "--set", "Database:Durability=Local");
        plain.Resources.Select(resource => resource.Name).ShouldNotContain(name => name.EndsWith("-standby", StringComparison.Ordinal) || name == "db-keeper");
        ((ContainerResource)plain.Resource("db-worker-1")).Entrypoint.ShouldBeNull();
        (await plain.EnvironmentAsync("db-migrate"))["Database__Durability"].ShouldBe("Local");
        plain.Resource("db-worker-1").Annotations.OfType<ResourceCommandAnnotation>().ShouldNotContain(command => command.Name == "promote-standby");
    }

    [AspireFact]
    public async Task The_command_line_changes_the_topology_as_it_does_for_the_verbs()
    {
        await using var application = await AspireModel.CreateAsync("--set", "Regions:1:Backends=3", "--set", "Local:GatewayPort=9080");
        application.Resource("backend-us").GetReplicaCount().ShouldBe(3);
        application.Endpoints("gateway-us")["http"].Port.ShouldBe(9081);
    }

    [AspireFact]
    public async Task The_dashboard_offers_commands()
    {
        await using var application = await AspireModel.CreateAsync();
        IEnumerable<string> Commands(string name) => application.Resource(name).Annotations.OfType<ResourceCommandAnnotation>().Select(command => command.Name);
        Commands("gateway-eu").ShouldContain("sample-order");
        Commands("backend-eu").ShouldContain("kill");
        Commands("db-worker-2").ShouldContain("kill");
        Commands("db-coordinator").ShouldContain("add-worker");
        Commands("db-worker-2-standby").ShouldContain("kill");
        foreach (var name in new[] { "db-coordinator", "db-worker-1", "db-worker-2", "db-worker-3" })
        {
            Commands(name).ShouldContain("promote-standby");
        }

        Commands("db-worker-4").ShouldNotContain("promote-standby");
    }

    [AspireFact]
    public void Without_a_container_runtime_one_message_names_what_to_install_and_the_plain_run()
    {
        var configuration = new Microsoft.Extensions.Configuration.ConfigurationManager { ["ASPIRE_CONTAINER_RUNTIME"] = "no-such-runtime" };
        var refused = Should.Throw<DineHub.AppHost.Local.PrerequisiteException>(() => ContainerRuntime.Find(configuration));
        refused.Message.ShouldContain("no-such-runtime");
        refused.Message.ShouldContain("apt-get install docker.io");
        refused.Message.ShouldContain("dotnet run --project DineHub.AppHost");
    }
#else
    [AspireFact]
    public void The_application_has_the_topologys_parts() => Assert.Fail("It cannot run without Aspire.");
#endif
}
