using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DineHub.Database;

/// <summary>Registers the API's connections, under the names that the Aspire.Npgsql component uses, so that switching to it is one line.</summary>
public static class DataSourceExtensions
{
    /// <summary>The health check's name.</summary>
    public const string HealthCheckName = "database";

    /// <summary>
    /// Adds an <see cref="NpgsqlDataSource"/> for <c>ConnectionStrings:{name}</c> (else <c>Aspire:Npgsql:{name}:ConnectionString</c>,
    /// else <c>Aspire:Npgsql:ConnectionString</c>), its <see cref="ApiConnections"/>, and a readiness check that asks the database for an answer.
    /// <c>Aspire:Npgsql[:{name}]:DisableHealthChecks</c> leaves the check out; <c>DisableTracing</c> and <c>DisableMetrics</c> are ServiceDefaults' to
    /// honour, which collects both. What the connection string does not set gets a deadline: 2 s to connect (to each of several hosts, of which the first that can be
    /// written to is taken), 5 s for a statement. The answer to a cancelled statement is not waited for: its connection ends with it.
    /// </summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The connection's name.</param>
    /// <returns>The same builder.</returns>
    public static IHostApplicationBuilder AddNpgsqlDataSource(this IHostApplicationBuilder builder, string name)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton(services =>
        {
            var connectionString = FindConnectionString(services.GetRequiredService<IConfiguration>(), name)
                ?? throw new InvalidOperationException($"ConnectionStrings:{name} is required.");
            return ApiConnections.Create(connectionString, services.GetRequiredService<ILoggerFactory>());
        });
        builder.Services.AddSingleton(services => services.GetRequiredService<ApiConnections>().DataSource);
        if (!NpgsqlSettings.IsDisabled(builder.Configuration, name, "DisableHealthChecks"))
        {
            builder.Services.AddHealthChecks().AddCheck<DatabaseHealthCheck>(HealthCheckName, tags: ["ready"], timeout: TimeSpan.FromSeconds(3));
        }

        return builder;
    }

    /// <summary>The connection string that <see cref="AddNpgsqlDataSource"/> uses; null where none is configured.</summary>
    /// <param name="configuration">The application's configuration.</param>
    /// <param name="name">The connection's name.</param>
    public static string? FindConnectionString(IConfiguration configuration, string name)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return NpgsqlSettings.ConnectionString(configuration, name);
    }

    private static string FirstLine(NpgsqlException e) => e.Message.Split('\n')[0];

    private sealed class DatabaseHealthCheck(ApiConnections connections) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            try
            {
                await using var command = connections.DataSource.CreateCommand("SELECT 1");
                await command.ExecuteScalarAsync(cancellationToken);
                return HealthCheckResult.Healthy();
            }
            catch (NpgsqlException e)
            {
                connections.Learn(e);
                return new HealthCheckResult(context.Registration.FailureStatus, $"The database does not answer: {FirstLine(e)}");
            }
        }
    }
}
