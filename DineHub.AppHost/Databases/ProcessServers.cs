using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using DineHub.AppHost.Composition;
using DineHub.AppHost.Prerequisites;
using DineHub.AppHost.Running;
using DineHub.Topology;

namespace DineHub.AppHost.Databases;

/// <summary>A PostgreSQL server that runs as a process of this machine.</summary>
/// <param name="name">The server's name in the topology.</param>
/// <param name="command">The shell that prepares the data folder and becomes the server.</param>
/// <param name="workingDirectory">The server's folder.</param>
/// <param name="password">The superuser's password.</param>
public sealed class PostgresServer(string name, string command, string workingDirectory, ParameterResource password)
    : ExecutableResource(name, command, workingDirectory), IResourceWithConnectionString
{
    /// <summary>The name of the server's endpoint.</summary>
    public const string EndpointName = "tcp";

    private EndpointReference? endpoint;

    /// <summary>Where it listens.</summary>
    public EndpointReference PrimaryEndpoint => endpoint ??= new EndpointReference(this, EndpointName);

    /// <summary>How the superuser reaches it; no database is named. As <c>PostgresServerResource</c> of Aspire.Hosting.PostgreSQL writes it.</summary>
    public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create(
        $"Host={PrimaryEndpoint.Property(EndpointProperty.Host)};Port={PrimaryEndpoint.Property(EndpointProperty.Port)};Username=postgres;Password={password}");
}

/// <summary>Database servers as processes of the installed PostgreSQL.</summary>
/// <param name="postgres">The installed PostgreSQL; null where the application is published, not run.</param>
/// <param name="usesCitus">Whether the servers have the Citus extension.</param>
internal sealed class ProcessServers(PostgresInstallation? postgres, bool usesCitus) : IServerKind
{
    private readonly UnprivilegedUser? user = postgres is null ? null : UnprivilegedUser.Find();

    /// <inheritdoc/>
    public bool UsesCitus { get; } = usesCitus;

    /// <inheritdoc/>
    public bool HasBackups => true;

    /// <inheritdoc/>
    public string? Notice => null;

    /// <inheritdoc/>
    public (string Host, int Port)? PeerOf(Node node) => null;

    /// <inheritdoc/>
    public IProcessControl Control { get; } = new HostProcesses(ProcessSignal.Interrupt);

    /// <inheritdoc/>
    public Task RemoveDataAsync(ClusterDirectory directory, CancellationToken ct) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task PrepareAsync(ClusterLayout layout, CancellationToken ct)
    {
        foreach (var server in layout.Servers.Concat(layout.Spare is { } spare ? [spare] : []))
        {
            if (!Directory.Exists(server.Home))
            {
                Directory.CreateDirectory(server.Home);
                user?.Own(server.Home);
                File.SetUnixFileMode(server.Home, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }
        }

        File.WriteAllText(layout.Directory.AccessRulesFile, HbaRules.ForProcess());
        user?.Own(layout.Directory.AccessRulesFile);

        Directory.CreateDirectory(layout.Directory.BackupsDirectory);
        user?.Own(layout.Directory.BackupsDirectory);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public bool HasData(DatabaseServer server) => File.Exists(Path.Combine(server.DataDirectory, "PG_VERSION"));

    /// <inheritdoc/>
    public Task<bool> IsStandbyAsync(DatabaseServer server, string password, CancellationToken ct) =>
        Task.FromResult(File.Exists(Path.Combine(server.DataDirectory, "standby.signal")));

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, string>> EnvironmentOf(IReadOnlyList<DatabaseServer> servers, ClusterDirectory directory, ClusterSecrets secrets)
    {
        yield return new("Database__BinDirectory", postgres!.BinDirectory);
        yield return new("Database__Backups__Directory", directory.BackupsDirectory);
        yield return new("Database__Backups__Passphrase", secrets.BackupPassphrase!);
        foreach (var (i, server) in servers.Index())
        {
            yield return new($"Database__Servers__{i}__Name", server.Name);
            yield return new($"Database__Servers__{i}__DataDirectory", server.DataDirectory);
        }
    }

    /// <inheritdoc/>
    public IResourceBuilder<ExecutableResource>? AddPreparation(IDistributedApplicationBuilder builder) => null;

    /// <inheritdoc/>
    public IResourceBuilder<IResourceWithWaitSupport> Add(IDistributedApplicationBuilder builder, ClusterLayout layout, DatabaseServer server, ParameterResource password)
    {
        var resource = builder.AddResource(new PostgresServer(server.Name, "/bin/sh", server.Home, password))
            .WithEndpoint(port: server.Port, targetPort: server.Port, scheme: "tcp", name: PostgresServer.EndpointName, isProxied: false)
            .WithIconName("Database");
        if (!builder.ExecutionContext.IsRunMode)
        {
            return resource;
        }

        var archive = ServerSettings.ArchiveCommand(Path.Combine(server.Home, "pgbackrest", "pgbackrest.conf"), server.Group);
        var settings = ServerSettings.ForProcess(new ProcessServer(server.Host, server.Port, server.Home, archive, UsesCitus));
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "Databases", "serve.sh"),
            BuiltProgram.Muxer, BuiltProgram.AssemblyOf(BuiltProgram.Api), server.Name, server.DataDirectory, postgres!.BinDirectory,
            .. ServerSettings.Of(ServerPlaces.Initialization, UsesCitus).SelectMany(setting => new[] { "--setting", $"{setting.Name}={setting.Value}" }),
            "--",
            postgres.Program("postgres"), "-D", server.DataDirectory, "-c", $"hba_file={layout.Directory.AccessRulesFile}", .. ServerSettings.Arguments(settings),
        ];
        return resource
            .WithArgs([.. arguments])
            .WithEnvironment(context =>
            {
                foreach (var (name, value) in layout.JoinEnvironmentOf(server))
                {
                    context.EnvironmentVariables[name] = value;
                }

                context.EnvironmentVariables["LC_ALL"] = "C";
                context.EnvironmentVariables["DOTNET_TieredPGO"] = "0";
                context.EnvironmentVariables["PGBACKREST_REPO1_CIPHER_PASS"] = layout.Secrets.BackupPassphrase!;
            });
    }

    /// <inheritdoc/>
    public CommandLine Psql(DatabaseServer server, string runId, string password, string sql) => new(
        postgres!.Program("psql"),
        ["-X", "-h", server.Host, "-p", server.Port.ToString(CultureInfo.InvariantCulture), "-U", "postgres", "-d", "dinehub", "-v", "ON_ERROR_STOP=1", "-c", sql],
        "/",
        new Dictionary<string, string> { ["PGPASSWORD"] = password });
}
