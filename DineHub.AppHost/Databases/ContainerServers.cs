using System.Net;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using DineHub.AppHost.Composition;
using DineHub.AppHost.Prerequisites;
using DineHub.AppHost.Running;
using DineHub.Topology;
using Npgsql;

namespace DineHub.AppHost.Databases;

/// <summary>
/// Database servers as containers of an image with Citus and the <c>db</c> verbs. They reach each other by their names; programs of this machine reach
/// them by ports of 127.0.0.1. Their data is in volumes named <c>dinehub-{hash of the cluster's folder}-{server}</c>.
/// </summary>
/// <param name="runtime">The program that runs containers.</param>
internal sealed class ContainerServers(ContainerRuntime runtime) : IServerKind
{
    /// <summary>The resource that builds the image.</summary>
    public const string BuildName = "database-image";

    /// <summary>The file in a server's folder that says that its volume has data.</summary>
    public const string WasReadyName = "was-ready";

    /// <summary>The image's name.</summary>
    public const string Image = "dinehub-database";

    private const string EndpointName = "tcp";
    private const int PostgresPort = 5432;

    // In the image, see its Dockerfile.
    private const string Volume = "/var/lib/postgresql/data";
    private const string DataDirectory = Volume + "/pgdata";
    private const string BinDirectory = "/usr/local/lib/postgresql/bin";
    private const string VerbsDirectory = "/usr/local/lib/dinehub";
    private const string RulesName = "pg_hba.conf";
    private const UnixFileMode WorldReadable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private static readonly TimeSpan AskDeadline = TimeSpan.FromSeconds(2);

    private IReadOnlyList<DatabaseServer> serversWithData = [];

    /// <summary>The image's tag, one for each checkout: servers of all its clusters run the same programs.</summary>
    public static string Tag { get; } = ClusterDirectory.HashOf(BuildMetadata.Get("DineHub.Root"));

    /// <summary>The file that the image is built by.</summary>
    public static string Dockerfile { get; } = Path.Combine(AppContext.BaseDirectory, "Databases", "Citus", "Dockerfile");

    /// <inheritdoc/>
    public bool UsesCitus => true;

    /// <inheritdoc/>
    public bool HasBackups => false;

    /// <inheritdoc/>
    public string? Notice => $"Databases run in containers of {runtime.Name}. The first start downloads and builds their image: see {BuildName}.log";

    /// <inheritdoc/>
    public (string Host, int Port)? PeerOf(Node node) => (node.Name, PostgresPort);

    /// <inheritdoc/>
    public IProcessControl Control { get; } = new ContainerControl(runtime);

    /// <summary>The volume that a server's data is in.</summary>
    /// <param name="directory">The cluster's folder.</param>
    /// <param name="server">The server's name.</param>
    public static string VolumeOf(ClusterDirectory directory, string server) => VolumesOf(directory) + server;

    /// <inheritdoc/>
    public async Task RemoveDataAsync(ClusterDirectory directory, CancellationToken ct)
    {
        await EndLeftoversAsync(directory, ct);
        if (await FindVolumesAsync(directory, ct) is { Count: > 0 } old)
        {
            await RunAsync(["volume", "rm", .. old], ct);
        }
    }

    /// <inheritdoc/>
    public async Task PrepareAsync(ClusterLayout layout, CancellationToken ct)
    {
        await EndLeftoversAsync(layout.Directory, ct);
        var found = await FindVolumesAsync(layout.Directory, ct);
        serversWithData = [.. layout.Servers.Where(server => found.Contains(VolumeOf(layout.Directory, server.Name)) && File.Exists(WasReadyFileOf(server)))];
        foreach (var server in layout.Servers.Concat(layout.Spare is { } spare ? [spare] : []))
        {
            Directory.CreateDirectory(server.Home);
            ClusterDirectory.WriteForOwner(EnvironmentFileOf(server), string.Concat(layout.JoinEnvironmentOf(server).Select(pair => $"{pair.Key}={pair.Value}\n")));
        }
    }

    // Aspire makes all volumes at the first start.
    /// <inheritdoc/>
    public bool HasData(DatabaseServer server) => serversWithData.Contains(server);

    /// <inheritdoc/>
    public async Task<bool> IsStandbyAsync(DatabaseServer server, string password, CancellationToken ct)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(AskDeadline);
        try
        {
            return await server.IsAsync("pg_is_in_recovery()", password, deadline.Token);
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException && !ct.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, string>> EnvironmentOf(IReadOnlyList<DatabaseServer> servers, ClusterDirectory directory, ClusterSecrets secrets) => [];

    // One build for all servers; Aspire's WithDockerfile builds an image for each.
    /// <inheritdoc/>
    public IResourceBuilder<ExecutableResource>? AddPreparation(IDistributedApplicationBuilder builder)
    {
        var context = Path.GetDirectoryName(BuiltProgram.AssemblyOf(BuiltProgram.Api))!;
        return builder.AddExecutable(BuildName, runtime.Name, context, "build", "--tag", $"{Image}:{Tag}", "--file", Dockerfile, context).WithIconName("BoxToolbox");
    }

    /// <inheritdoc/>
    public IResourceBuilder<IResourceWithWaitSupport> Add(IDistributedApplicationBuilder builder, ClusterLayout layout, DatabaseServer server, ParameterResource password)
    {
        var postgres = BinDirectory + "/postgres";
        string[] arguments =
        [
            server.Name, DataDirectory, BinDirectory,
            .. ServerSettings.Of(ServerPlaces.Initialization, UsesCitus).SelectMany(setting => new[] { "--setting", $"{setting.Name}={setting.Value}" }),
            "--",
            postgres, "-D", DataDirectory, .. ServerSettings.Arguments(ServerSettings.ForContainer($"{VerbsDirectory}/{RulesName}")),
        ];
        var resource = builder.AddPostgres(server.Name, password: builder.CreateResourceBuilder(password))
            .WithImageRegistry(null)
            .WithImage(Image, Tag)
            .WithImagePullPolicy(ImagePullPolicy.Never)
            .WithEndpoint(EndpointName, endpoint =>
            {
                endpoint.Port = server.Port;
                endpoint.TargetPort = PostgresPort;
                endpoint.TargetHost = IPAddress.Loopback.ToString();
                endpoint.IsProxied = false;
            })
            .WithVolume(VolumeOf(layout.Directory, server.Name), Volume)
            .WithContainerFiles(VerbsDirectory, [new ContainerFile { Name = RulesName, Contents = HbaRules.ForContainer(), Mode = WorldReadable }])

            // Aspire writes the environment on the command line that makes a container, where all users see it.
            .WithContainerRuntimeArgs("--env-file", EnvironmentFileOf(server), "--label", LabelOf(layout.Directory))
            .WithArgs([.. arguments])
            .WithEnvironment(context =>
            {
                foreach (var name in context.EnvironmentVariables.Keys.Where(name => name.StartsWith("POSTGRES_", StringComparison.Ordinal)).ToList())
                {
                    // They are for the image's own entrypoint.
                    context.EnvironmentVariables.Remove(name);
                }

                context.EnvironmentVariables["LC_ALL"] = "C";
                context.EnvironmentVariables["DOTNET_TieredPGO"] = "0";
            })
            .OnResourceReady((_, _, _) => File.WriteAllTextAsync(WasReadyFileOf(server), "", CancellationToken.None))
            .WithIconName("Database");

        // The cluster's own check takes its place.
        foreach (var check in resource.Resource.Annotations.OfType<HealthCheckAnnotation>().ToList())
        {
            resource.Resource.Annotations.Remove(check);
        }

        return server == layout.Coordinator ? resource.WithPgAdmin(pgAdmin => pgAdmin.WithExplicitStart()) : resource;
    }

    /// <inheritdoc/>
    public CommandLine Psql(DatabaseServer server, string runId, string password, string sql) => new(
        runtime.Program,
        ["exec", "--env", "PGPASSWORD", runId, BinDirectory + "/psql", "-X", "-U", "postgres", "-d", "dinehub", "-v", "ON_ERROR_STOP=1", "-c", sql],
        "/",
        new Dictionary<string, string> { ["PGPASSWORD"] = password });

    private static string VolumesOf(ClusterDirectory directory) => $"dinehub-{directory.Hash}-";

    private static string LabelOf(ClusterDirectory directory) => $"dinehub.cluster={directory.Hash}";

    private static string WasReadyFileOf(DatabaseServer server) => Path.Combine(server.Home, WasReadyName);

    private static string EnvironmentFileOf(DatabaseServer server) => Path.Combine(server.Home, "join.env");

    // This run holds the folder, so that no other run uses them; two servers on one volume would destroy its data.
    private async Task EndLeftoversAsync(ClusterDirectory directory, CancellationToken ct)
    {
        if (await RunAsync(["ps", "--all", "--quiet", "--filter", $"label={LabelOf(directory)}"], ct) is { Count: > 0 } leftovers)
        {
            await RunAsync(["rm", "--force", .. leftovers], ct);
        }
    }

    private async Task<IReadOnlyList<string>> FindVolumesAsync(ClusterDirectory directory, CancellationToken ct) =>
        [.. (await RunAsync(["volume", "ls", "--quiet"], ct)).Where(name => name.StartsWith(VolumesOf(directory), StringComparison.Ordinal))];

    private async Task<IReadOnlyList<string>> RunAsync(IReadOnlyList<string> command, CancellationToken ct)
    {
        try
        {
            return (await runtime.RunAsync(ct, command)).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        }
        catch (InvalidOperationException e)
        {
            throw new PrerequisiteException(e.Message, $"Run it by hand to see more: '{runtime.Name} {string.Join(' ', command)}'. Then start again.", e);
        }
    }
}
