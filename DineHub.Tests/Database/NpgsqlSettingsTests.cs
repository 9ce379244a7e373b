using System.Diagnostics;
using System.Diagnostics.Metrics;
using DineHub.Api;
using DineHub.Api.Data;
using DineHub.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Npgsql;
using OpenTelemetry.Trace;

namespace DineHub.Tests.Database;

/// <summary>The configuration keys of Aspire.Npgsql.</summary>
public sealed class NpgsqlSettingsTests
{
    private const string ConnectionStringKey = "ConnectionStrings:dinehub";
    private const string Refused = "Host=127.0.0.1;Port=1";

    [Theory]
    [InlineData("ConnectionStrings:dinehub")]
    [InlineData("Aspire:Npgsql:ConnectionString")]
    [InlineData("Aspire:Npgsql:dinehub:ConnectionString")]
    public void Connection_string_is_found_under_each_key(string key)
    {
        ApiDatabase.Settings((key, "Host=a")).Host.ShouldBe("a");
        DatabaseServices.ConfigurationErrors(Configuration((key, "Host=a"))).ShouldBeEmpty();
        DatabaseServices.ConfigurationErrors(Configuration((key, "Host=a;Timeout=x"))).ShouldBe([$"{key}: has a value for 'timeout' that Npgsql does not accept."]);
    }

    [Fact]
    public void ConnectionStrings_precedes_the_connections_section_and_that_precedes_the_common_one()
    {
        (string, string)[] sections = [("Aspire:Npgsql:dinehub:ConnectionString", "Host=b"), ("Aspire:Npgsql:ConnectionString", "Host=c")];
        ApiDatabase.Settings([(ConnectionStringKey, "Host=a"), .. sections]).Host.ShouldBe("a");
        ApiDatabase.Settings(sections).Host.ShouldBe("b");
    }

    [Theory]
    [InlineData("", "is required")]
    [InlineData("nonsense", "is not a list of KEYWORD=VALUE with ';' between them")]
    [InlineData("Username=u", "has no Host")]
    [InlineData("Host=a;Timeout=long", "has a value for 'timeout' that Npgsql does not accept")]
    [InlineData("Host=a,b;Port=1,2", "has a value for 'port' that Npgsql does not accept")]
    [InlineData("Host=a:x", "has a Host that is not HOST, HOST:PORT or a list of them with ',' between them")]
    [InlineData("Host=a;Password=half;secret=half", "has an unknown keyword; a value with ';' or '=' needs quotes")]
    [InlineData("Host=a,b;Multiplexing=true", "is not supported by Npgsql: Multiplexing is not supported with multiple hosts")]
    public void Bad_connection_string_is_reported_with_its_key_and_without_its_values(string connectionString, string problem) =>
        DatabaseServices.ConfigurationErrors(Configuration((ConnectionStringKey, connectionString))).ShouldBe([$"{ConnectionStringKey}: {problem}."]);

    [Fact]
    public void Missing_connection_string_is_reported_as_required() =>
        DatabaseServices.ConfigurationErrors(Configuration()).ShouldBe([$"{ConnectionStringKey}: is required."]);

    [Theory]
    [InlineData("Host=a;Password=half;secret=half", "ConnectionStrings:dinehub")]
    [InlineData("", "ConnectionStrings:dinehub")]
    public async Task Api_with_a_bad_connection_string_ends_with_one_message(string connectionString, string key)
    {
        var (exitCode, output, errors) = await RunApiAsync((ConnectionStringKey, connectionString));
        exitCode.ShouldBe(ServiceDefaultsExtensions.Misconfigured, output + errors);
        var lines = errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(2, errors);
        lines[1].ShouldStartWith($"  {key}: ");
        (output + errors).ShouldNotContain("half");
    }

    [Fact]
    public async Task Api_with_an_unreadable_setting_of_Aspire_ends_with_one_message()
    {
        var (exitCode, output, errors) = await RunApiAsync((ConnectionStringKey, Refused), ("Aspire:Npgsql:DisableTracing", "maybe"), ("environment", "Development"));
        exitCode.ShouldBe(ServiceDefaultsExtensions.Misconfigured, output + errors);
        var lines = errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(2, errors);
        lines[1].ShouldStartWith("  Aspire:Npgsql: ");
        lines[1].ShouldContain("Aspire:Npgsql:DisableTracing");
    }

    [Theory]
    [InlineData(true, "Aspire:Npgsql:DisableHealthChecks", "false")]
    [InlineData(false, "Aspire:Npgsql:DisableHealthChecks", "true")]
    [InlineData(false, "Aspire:Npgsql:dinehub:DisableHealthChecks", "true")]
    public async Task Database_has_one_health_check_unless_it_is_disabled(bool expected, string key, string value)
    {
        await using var app = ApiDatabase.Build((ConnectionStringKey, Refused), (key, value));
        var checks = app.Services.GetRequiredService<IOptions<HealthCheckServiceOptions>>().Value.Registrations.Where(check => check.Name != "self").ToList();
        checks.Select(check => check.Name).ShouldBe(expected ? [DatabaseServices.HealthCheckName] : []);
        checks.ShouldAllBe(check => check.Tags.Contains("ready") && check.Timeout > TimeSpan.Zero);
    }

    [Fact]
    public async Task Database_that_refuses_is_unhealthy_in_one_line()
    {
        await using var app = ApiDatabase.Build((ConnectionStringKey, Refused));
        var report = await app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        report.Entries[DatabaseServices.HealthCheckName].Status.ShouldBe(HealthStatus.Unhealthy);
        report.Entries[DatabaseServices.HealthCheckName].Description.ShouldBe("The database does not answer: Failed to connect to 127.0.0.1:1");
    }

    [Theory]
    [InlineData(true, "Aspire:Npgsql:DisableMetrics", "false")]
    [InlineData(false, "Aspire:Npgsql:DisableMetrics", "true")]
    [InlineData(false, "Aspire:Npgsql:dinehub:DisableMetrics", "true")]
    [InlineData(true, "Aspire:Npgsql:DisableTracing", "true")]
    public async Task Metrics_of_Npgsql_are_served_unless_they_are_disabled(bool expected, string key, string value)
    {
        await using var app = ApiDatabase.Build((ConnectionStringKey, Refused), (key, value));
        await app.StartAsync();
        using var npgsql = new Meter("Npgsql");
        npgsql.CreateCounter<long>("dinehub.test").Add(1);
        var text = await app.Services.GetRequiredService<PrometheusMetrics>().CollectAsync(CancellationToken.None);
        text.ShouldNotBeNull().Contains("dinehub_test_total{", StringComparison.Ordinal).ShouldBe(expected);
        await app.StopAsync();
    }

    [Theory]
    [InlineData(true, "Aspire:Npgsql:DisableTracing", "false")]
    [InlineData(false, "Aspire:Npgsql:DisableTracing", "true")]
    [InlineData(false, "Aspire:Npgsql:dinehub:DisableTracing", "true")]
    [InlineData(true, "Aspire:Npgsql:DisableMetrics", "true")]
    public async Task Traces_of_Npgsql_are_collected_unless_they_are_disabled(bool expected, string key, string value)
    {
        await using var app = ApiDatabase.Build((ConnectionStringKey, Refused), (key, value), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"));
        (await CollectsSpansAsync(app)).ShouldBe(expected);
    }

    [Fact]
    public async Task Traces_of_Npgsql_are_not_collected_without_an_endpoint()
    {
        await using var app = ApiDatabase.Build((ConnectionStringKey, Refused));
        app.Services.GetService<TracerProvider>().ShouldBeNull();
    }

    private static async Task<bool> CollectsSpansAsync(WebApplication app)
    {
        var spans = new SpanCounter();
        var tracing = app.Services.GetRequiredService<TracerProvider>();
        tracing.AddProcessor(spans);
        await app.StartAsync();
        using (var npgsql = new ActivitySource("Npgsql"))
        {
            npgsql.StartActivity(SpanCounter.Name)?.Dispose();
        }

        await app.StopAsync();
        return spans.Count == 1;
    }

    private static IConfiguration Configuration(params (string Key, string Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create<string, string?>(setting.Key, setting.Value)))
        .Build();

    private static async Task<(int ExitCode, string Output, string Errors)> RunApiAsync(params (string Key, string Value)[] settings)
    {
        var start = new ProcessStartInfo("dotnet") { ArgumentList = { typeof(ApiApplication).Assembly.Location } };
        start.ArgumentList.Add($"--DataProtection:Key={Convert.ToBase64String(new byte[32])}");
        foreach (var (key, value) in settings)
        {
            start.ArgumentList.Add($"--{key}={value}");
        }

        return await Programs.RunAsync(start);
    }

    private sealed class SpanCounter : OpenTelemetry.BaseProcessor<Activity>
    {
        public const string Name = "dinehub.test";

        private int count;

        public int Count => count;

        public override void OnEnd(Activity data)
        {
            if (data.OperationName == Name)
            {
                Interlocked.Increment(ref count);
            }
        }
    }
}
