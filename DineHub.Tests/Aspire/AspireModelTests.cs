using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using DineHub.AppHost.Databases;

namespace DineHub.Tests.Aspire;

/// <summary>The application's model, composed with a folder of its own and not started.</summary>
public sealed class AspireModelTests : IDisposable
{
    private static readonly string[] Listening = ["http", "https", "management"];

    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Every_node_of_the_topology_is_one_resource_of_its_name()
    {
        await using var application = await CreateAsync();
        var names = application.Resources.Select(resource => resource.Name).ToList();
        foreach (var node in ReferenceTopology.Load().Nodes.Where(node => node.Name is not ("headscale" or "monitoring")))
        {
            names.Count(name => name == node.Name).ShouldBe(1, node.Name);
            application.Resource(node.Name).GetReplicaCount().ShouldBe(1);
        }

        names.ShouldContain("db-migrate");
        names.ShouldContain("db-seed");
        names.ShouldContain("db-keeper");
        names.ShouldNotContain("production");
    }

    [Fact]
    public async Task No_endpoint_is_proxied()
    {
        await using var application = await CreateAsync();
        var endpoints = application.Resources.SelectMany(resource => resource.Annotations.OfType<EndpointAnnotation>()).ToList();
        endpoints.Count.ShouldBeGreaterThan(15);
        endpoints.ShouldAllBe(endpoint => !endpoint.IsProxied && endpoint.Port > 0);
    }

    [Fact]
    public async Task Projects_run_as_the_built_program()
    {
        await using var application = await CreateAsync();
        foreach (var name in new[] { "backend-eu-1", "ingress-us-1", "db-migrate", "db-keeper" })
        {
            var program = application.Resource(name).Annotations.OfType<ExecutableAnnotation>().Last();
            Path.GetFileName(program.Command).ShouldBe("dotnet");
            (await application.ArgumentsAsync(name)).Take(2).ShouldBe(["exec", name.StartsWith("ingress", StringComparison.Ordinal) ? Built("DineHub.Gateway") : Built("DineHub.Api")]);
        }
    }

    [Fact]
    public async Task Database_servers_are_processes_whose_standbys_are_below_them()
    {
        await using var application = await CreateAsync();
        foreach (var name in new[] { "db-coordinator", "db-worker-1", "db-worker-2", "db-worker-3" })
        {
            var home = application.Resource(name).ShouldBeOfType<PostgresServer>();
            var standby = application.Resource(name + "-standby").ShouldBeOfType<PostgresServer>();
            standby.Annotations.OfType<ResourceRelationshipAnnotation>().ShouldContain(relation => relation.Type == "Parent" && relation.Resource == home);
            home.Annotations.OfType<HealthCheckAnnotation>().ShouldHaveSingleItem();
            var expression = ((IResourceWithConnectionString)home).ConnectionStringExpression.ValueExpression;
            expression.ShouldBe($"Host={{{name}.bindings.tcp.host}};Port={{{name}.bindings.tcp.port}};Username=postgres;Password={{postgres-password.value}}");
        }

        application.Resource("postgres-password").ShouldBeOfType<ParameterResource>().Secret.ShouldBeTrue();
    }

    [Fact]
    public async Task The_migration_waits_for_the_primaries_and_new_standbys_the_seed_and_the_backends_wait_for_it()
    {
        await using var application = await CreateAsync();
        application.Waits("db-migrate").Keys.Order().ShouldBe(["db-coordinator", "db-worker-1", "db-worker-2", "db-worker-3"]);
        foreach (var name in new[] { "db-seed", "db-keeper", "backend-eu-1", "backend-us-2", "db-coordinator-standby", "db-worker-3-standby" })
        {
            application.Waits(name)["db-migrate"].ShouldBe(WaitType.WaitForCompletion);
        }
    }

    [Fact]
    public async Task A_standby_that_has_data_starts_before_the_migration()
    {
        var data = Directory.CreateDirectory(Path.Combine(directory.Path, "nodes", "db-worker-2-standby", "pgdata"));
        await File.WriteAllTextAsync(Path.Combine(data.FullName, "PG_VERSION"), "15");
        await File.WriteAllTextAsync(Path.Combine(directory.Path, ".dinehub"), "");
        await using var application = await CreateAsync();
        application.Waits("db-worker-2-standby").ShouldBeEmpty();
        application.Waits("db-migrate").Keys.ShouldContain("db-worker-2-standby");
    }

    [Fact]
    public async Task Backends_get_their_region_and_the_connection_string_of_the_APIs_role()
    {
        await using var application = await CreateAsync();
        var environment = await application.EnvironmentAsync("backend-us-1");
        environment["DINEHUB_REGION"].ShouldBe("us-east-1");
        environment["ConnectionStrings__dinehub"].ShouldBe("{dinehub-us.connectionString}");
        environment.Keys.ShouldContain("Operator__Key");
        environment.Keys.ShouldContain("DataProtection__Key");
        environment["Images__Directory"].ShouldBe(Path.Combine(directory.Path, "images"));
        environment["ASPNETCORE_URLS"].ShouldMatch(@"^http://127\.0\.0\.1:\d+$");
        var expression = ((IResourceWithConnectionString)application.Resource("dinehub-us")).ConnectionStringExpression.ValueExpression;
        expression.ShouldContain("Username=dinehub_api");
        expression.ShouldContain("Database=dinehub");
        expression.Split("127.0.0.1:").Length.ShouldBeGreaterThanOrEqualTo(3, "the coordinator and its standby");
    }

    [Fact]
    public async Task Gateways_know_all_backends_and_the_ingress_policy_and_only_their_public_ports_are_public()
    {
        await using var application = await CreateAsync();
        var environment = await application.EnvironmentAsync("ingress-eu-1");
        environment["ReverseProxy__Clusters__backends__Destinations__backend-us-2__Metadata__Region"].ShouldBe("us-east-1");
        environment["ReverseProxy__Clusters__backends__Destinations__backend-eu-1__Address"].ShouldMatch(@"^http://127\.0\.0\.1:\d+$");
        environment.Keys.Count(key => key.EndsWith("__Address", StringComparison.Ordinal)).ShouldBe(4);
        environment.Keys.ShouldContain(key => key.StartsWith("Ingress__", StringComparison.Ordinal));
        environment.Keys.ShouldNotContain("ASPNETCORE_FORWARDEDHEADERS_ENABLED");
        var endpoints = application.Endpoints("ingress-eu-1");
        endpoints.Keys.Order().ShouldBe(Listening);
        endpoints["https"].IsExternal.ShouldBeTrue();
        endpoints["management"].IsExternal.ShouldBeFalse();
    }

    [Fact]
    public async Task Without_standbys_there_is_no_keeper_and_commits_wait_for_none()
    {
        await using var application = await CreateAsync("--set", "Database:Standbys=false", "--set", "Database:Durability=Local");
        application.Resources.Select(resource => resource.Name).ShouldNotContain(name => name.EndsWith("-standby", StringComparison.Ordinal) || name == "db-keeper");
        (await application.EnvironmentAsync("db-migrate"))["Database__Durability"].ShouldBe("Local");
        Commands(application, "db-worker-1").ShouldNotContain("promote-standby");
    }

    [Fact]
    public async Task The_command_line_changes_the_topology_as_it_does_for_the_verbs()
    {
        await using var application = await CreateAsync("--set", "Regions:1:Backends=3");
        application.Resources.Select(resource => resource.Name).ShouldContain("backend-us-3");
    }

    [Fact]
    public async Task Resources_offer_commands()
    {
        await using var application = await CreateAsync();
        Commands(application, "ingress-eu-1").ShouldBe(["kill", "suspend", "resume", "sample-order"], ignoreOrder: true);
        Commands(application, "backend-eu-1").ShouldBe(["kill", "suspend", "resume"], ignoreOrder: true);
        Commands(application, "db-worker-2").ShouldBe(["kill", "suspend", "resume", "promote-standby"], ignoreOrder: true);
        Commands(application, "db-worker-2-standby").ShouldBe(["kill", "suspend", "resume"], ignoreOrder: true);
        Commands(application, "db-coordinator").ShouldBe(
            ["kill", "suspend", "resume", "promote-standby", "db-status", "back-up", "backups", "restore-point", "psql", .. TestEngine.IsCitus ? ["add-worker"] : Array.Empty<string>()],
            ignoreOrder: true);
    }

    [CitusFact]
    public async Task A_spare_worker_waits_for_the_command_that_adds_it()
    {
        await using var application = await CreateAsync();
        application.Resource("db-worker-4").HasAnnotationOfType<ExplicitStartupAnnotation>().ShouldBeTrue();
        (await application.EnvironmentAsync("db-migrate")).Keys.ShouldNotContain("Database__Nodes__3__Name");
    }

    private static IEnumerable<string> Commands(AspireModel application, string name) =>
        application.Resource(name).Annotations.OfType<ResourceCommandAnnotation>().Select(command => command.Name);

    private static string Built(string program) => AppHost.Composition.BuiltProgram.AssemblyOf(program);

    private Task<AspireModel> CreateAsync(params string[] arguments) => AspireModel.CreateAsync(
        ["--data", directory.Path, "--engine", TestEngine.Name, "--set", "Local:GatewayPort=0", "--set", "Local:GatewayTlsPort=0", .. arguments]);
}
