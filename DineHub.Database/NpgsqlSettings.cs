using Microsoft.Extensions.Configuration;

namespace DineHub.Database;

/// <summary>The configuration keys of the component Aspire.Npgsql; a connection's own come before those of all, and <c>ConnectionStrings</c> before both.</summary>
internal static class NpgsqlSettings
{
    private const string Section = "Aspire:Npgsql";

    public static string? ConnectionString(IConfiguration configuration, string name) =>
        configuration.GetConnectionString(name) ?? Read(configuration, name, "ConnectionString");

    public static bool IsDisabled(IConfiguration configuration, string name, string key) =>
        bool.TryParse(Read(configuration, name, key), out var disabled) && disabled;

    private static string? Read(IConfiguration configuration, string name, string key) =>
        configuration[$"{Section}:{name}:{key}"] ?? configuration[$"{Section}:{key}"];
}
