using System.Globalization;
using System.Text.Json.Nodes;
using DineHub.AppHost.Databases;

namespace DineHub.AppHost.Publishing;

/// <summary>
/// The settings and access rules that database machines share with the servers of a developer's machine, for <c>nix/modules/postgres-service.nix</c>. The same
/// for every topology.
/// </summary>
internal static class PostgresFile
{
    public const string Path = "generated/postgres.json";

    public static PublishedFile Write() => new(Path, PublishedJson.Write(new JsonObject
    {
        ["//"] = Header.Of("DineHub.AppHost/Databases"),
        ["groupSettings"] = Write(ServerPlaces.MachineGroup),
        ["serverSettings"] = Write(ServerPlaces.Machine),
        ["accessRules"] = new JsonArray([.. HbaRules.All.Select(Write)]),
    }));

    private static JsonObject Write(ServerPlaces place) =>
        PublishedJson.Object(ServerSettings.Of(place, usesCitus: true), setting => setting.Name, setting => Write(setting.Value));

    // Patroni and nixpkgs distinguish numbers from text.
    private static JsonValue Write(string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? JsonValue.Create(number) : JsonValue.Create(value);

    private static JsonObject Write(HbaRule rule) => new()
    {
        ["type"] = rule.Type,
        ["database"] = rule.Database,
        ["users"] = PublishedJson.Array(rule.Users),
        ["method"] = HbaRule.Method,
    };
}
