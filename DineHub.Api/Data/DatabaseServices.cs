using Aspire.Npgsql;
using DineHub.Database.Cluster;
using DineHub.Database.Connections;
using DineHub.ServiceDefaults;
using Npgsql;

namespace DineHub.Api.Data;

/// <summary>Registers the database: Aspire.Npgsql's data source with <see cref="ConnectionRules"/>, and its readiness check.</summary>
internal static class DatabaseServices
{
    /// <summary>The name of the readiness check.</summary>
    public const string HealthCheckName = "database";

    private const string Name = DatabaseOptions.DatabaseName;
    private const string ConnectionStringKey = $"ConnectionStrings:{Name}";

    // The sections that Aspire.Npgsql reads; the later one wins.
    private static readonly string[] Sections = ["Aspire:Npgsql", $"Aspire:Npgsql:{Name}"];

    private static readonly TimeSpan HealthCheckDeadline = TimeSpan.FromSeconds(3);

    /// <summary>
    /// Adds an <see cref="NpgsqlDataSource"/> and its <see cref="ApiConnections"/>, from <c>ConnectionStrings:dinehub</c> (else
    /// <c>Aspire:Npgsql:dinehub:ConnectionString</c>, else <c>Aspire:Npgsql:ConnectionString</c>). <c>DisableHealthChecks</c>,
    /// <c>DisableTracing</c> and <c>DisableMetrics</c> in either section of Aspire.Npgsql work as its documentation has it.
    /// </summary>
    public static void AddDatabase(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(services => new ApiConnections(
            services.GetRequiredService<NpgsqlDataSource>(), ConnectionString(builder.Configuration).Value!, services.GetRequiredService<ILogger<ApiConnections>>()));
        if (SettingsProblem(builder.Configuration) is not null)
        {
            // Aspire.Npgsql would end the program with a stack trace here. ConfigurationErrors reports the mistakes before the start.
            builder.Services.AddSingleton<NpgsqlDataSource>(_ => throw new InvalidOperationException($"{Sections[0]} is not valid."));
            return;
        }

        var hasHealthCheck = true;
        builder.AddNpgsqlDataSource(
            Name,
            settings =>
            {
                // Its own check has no deadline and no tag, leaves dead connections in the pool, and reports Npgsql's message as it is.
                hasHealthCheck = !settings.DisableHealthChecks;
                settings.DisableHealthChecks = true;

                // Without an endpoint, spans would be made for every statement and go nowhere.
                settings.DisableTracing |= !ServiceDefaultsExtensions.SendsTelemetry(builder.Configuration);
            },
            dataSource => ConnectionRules.Apply(dataSource.ConnectionStringBuilder));
        if (hasHealthCheck)
        {
            builder.Services.AddHealthChecks().AddCheck<DatabaseHealthCheck>(HealthCheckName, tags: ["ready"], timeout: HealthCheckDeadline);
        }
    }

    /// <summary>The mistakes in the database's configuration, each with its key.</summary>
    public static IReadOnlyList<string> ConfigurationErrors(IConfiguration configuration)
    {
        var errors = new List<string>();
        var (key, connectionString) = ConnectionString(configuration);
        if (string.IsNullOrWhiteSpace(connectionString))
        {
            errors.Add($"{key}: is required.");
        }
        else if (ConnectionRules.Problem(connectionString) is { } problem)
        {
            errors.Add($"{key}: {problem}.");
        }

        if (SettingsProblem(configuration) is { } unreadable)
        {
            errors.Add($"{Sections[0]}: {unreadable}");
        }

        return errors;
    }

    private static (string Key, string? Value) ConnectionString(IConfiguration configuration) =>
        new[] { ConnectionStringKey }.Concat(Sections.Reverse().Select(section => $"{section}:{nameof(NpgsqlSettings.ConnectionString)}"))
            .Select(key => (key, configuration[key]))
            .FirstOrDefault(setting => setting.Item2 is not null, (ConnectionStringKey, null));

    private static string? SettingsProblem(IConfiguration configuration)
    {
        try
        {
            foreach (var section in Sections)
            {
                configuration.GetSection(section).Bind(new NpgsqlSettings());
            }

            return null;
        }
        catch (InvalidOperationException e)
        {
            return e.Message;
        }
    }
}
