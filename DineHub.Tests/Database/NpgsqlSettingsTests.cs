using DineHub.Database;
using DineHub.ServiceDefaults;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace DineHub.Tests.Database;

/// <summary>The keys of the component Aspire.Npgsql, with its precedence, so that switching to it changes nothing.</summary>
public sealed class NpgsqlSettingsTests
{
    [Theory]
    [InlineData("ConnectionStrings:dinehub", "Host=a")]
    [InlineData("Aspire:Npgsql:ConnectionString", "Host=a")]
    [InlineData("Aspire:Npgsql:dinehub:ConnectionString", "Host=a")]
    public void A_connection_string_is_found_under_each_of_the_keys(string key, string value) =>
        DataSourceExtensions.FindConnectionString(Configuration((key, value)), "dinehub").ShouldBe(value);

    [Fact]
    public void ConnectionStrings_comes_first_then_the_connections_own_section_then_that_of_all()
    {
        DataSourceExtensions.FindConnectionString(
            Configuration(("ConnectionStrings:dinehub", "1"), ("Aspire:Npgsql:dinehub:ConnectionString", "2"), ("Aspire:Npgsql:ConnectionString", "3")), "dinehub").ShouldBe("1");
        DataSourceExtensions.FindConnectionString(
            Configuration(("Aspire:Npgsql:dinehub:ConnectionString", "2"), ("Aspire:Npgsql:ConnectionString", "3")), "dinehub").ShouldBe("2");
    }

    [Theory]
    [InlineData(true, "Aspire:Npgsql:DisableHealthChecks", "false")]
    [InlineData(false, "Aspire:Npgsql:DisableHealthChecks", "true")]
    [InlineData(false, "Aspire:Npgsql:dinehub:DisableHealthChecks", "true")]
    public void The_database_is_part_of_readiness_unless_its_health_check_is_disabled(bool expected, string key, string value)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration[key] = value;
        builder.AddNpgsqlDataSource("dinehub");
        using var services = builder.Services.BuildServiceProvider();
        services.GetRequiredService<IOptions<HealthCheckServiceOptions>>().Value.Registrations
            .Any(check => check.Name == DataSourceExtensions.HealthCheckName).ShouldBe(expected);
    }

    [Theory]
    [InlineData("Aspire:Npgsql:DisableTracing", "true", "A")]
    [InlineData("Aspire:Npgsql:dinehub:DisableTracing", "true", "A")]
    [InlineData("Aspire:Npgsql:DisableTracing", "false", "A,Npgsql")]
    [InlineData("Aspire:Npgsql:DisableMetrics", "true", "A,Npgsql")]
    public void What_Npgsql_emits_is_collected_unless_it_is_disabled(string key, string value, string collected) =>
        Telemetry.Collected(Configuration((key, value)), ["A", "Npgsql"], "DisableTracing").ShouldBe(collected.Split(','));

    [Fact]
    public void A_connections_own_section_says_more_than_that_of_all() =>
        Telemetry.Collected(
            Configuration(("Aspire:Npgsql:DisableMetrics", "true"), ("Aspire:Npgsql:dinehub:DisableMetrics", "false")), ["Npgsql"], "DisableMetrics").ShouldBe(["Npgsql"]);

    private static IConfiguration Configuration(params (string Key, string Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create<string, string?>(setting.Key, setting.Value)))
        .Build();
}
