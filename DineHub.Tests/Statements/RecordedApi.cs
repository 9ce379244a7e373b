using DineHub.Api;
using DineHub.Tests.Cluster;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DineHub.Tests.Statements;

/// <summary>A replica of the API in this process that enters at the coordinator, which owns no shard, and whose statements are recorded.</summary>
internal sealed class RecordedApi : IAsyncDisposable
{
    private readonly WebApplication app;

    private RecordedApi(WebApplication app)
    {
        this.app = app;
        Client = ClusterFixture.Client(new Uri(app.Urls.Single()));
    }

    /// <summary>What it has executed.</summary>
    public StatementRecorder Recorder { get; private init; } = null!;

    /// <summary>Its services.</summary>
    public IServiceProvider Services => app.Services;

    /// <summary>A client of it.</summary>
    public HttpClient Client { get; }

    /// <summary>Starts one beside the cluster's own. Its upkeep sleeps, so that only what a test asks for is recorded.</summary>
    /// <param name="fixture">The cluster.</param>
    public static async Task<RecordedApi> StartAsync(ClusterFixture fixture)
    {
        var connection = new NpgsqlConnectionStringBuilder(fixture.Cluster.ApiConnectionString)
        {
            Options = "-c citus.log_remote_commands=on -c citus.log_local_commands=on -c client_min_messages=notice",
        };
        var recorder = new StatementRecorder();
        var app = ApiApplication.Build(
        [
            .. fixture.Cluster.BackendEnvironment.Select(setting => $"--{setting.Key.Replace("__", ":", StringComparison.Ordinal)}={setting.Value}"),
            $"--ConnectionStrings:dinehub={connection.ConnectionString}",
            "--environment=Development", "--urls=http://127.0.0.1:0", "--Orders:UpkeepSeconds=300", "--Logging:LogLevel:Default=None", "--Logging:LogLevel:Npgsql=Debug",
        ]);
        app.Services.GetRequiredService<ILoggerFactory>().AddProvider(recorder);
        await app.StartAsync();
        return new RecordedApi(app) { Recorder = recorder };
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await app.DisposeAsync();
        Recorder.Dispose();
    }
}
