using System.Text.Json.Nodes;
using DineHub.AppHost.Publishing.Terraform;
using DineHub.Topology;

namespace DineHub.Tests.Publishing.Terraform;

/// <summary>All files of a deployment, read as Terraform does: which file something stands in does not matter.</summary>
internal sealed class TerraformDocument
{
    private readonly List<JsonObject> files;

    public TerraformDocument(ClusterTopology topology) =>
        files = [.. TerraformConfiguration.Write(topology).Select(file => JsonNode.Parse(file.Content)!.AsObject())];

    /// <summary>How many resources there are.</summary>
    public int ResourceCount => files.Select(file => file["resource"]).OfType<JsonObject>().SelectMany(kinds => kinds).Sum(kind => kind.Value!.AsObject().Count);

    /// <summary>The resources of a type, by name.</summary>
    public IReadOnlyDictionary<string, JsonObject> Resources(string type) => Blocks("resource", type);

    /// <summary>The data sources of a type, by name.</summary>
    public IReadOnlyDictionary<string, JsonObject> Data(string type) => Blocks("data", type);

    /// <summary>The statements of an IAM policy: what, on what, and under which conditions.</summary>
    public IReadOnlyList<string> Statements(string policy) =>
    [
        .. Data("aws_iam_policy_document")[policy]["statement"]!.AsArray().Select(statement => string.Join(
            " | ",
            new[] { Texts(statement!["actions"]), Texts(statement["resources"]) }.Concat(
                statement["condition"]?.AsArray().Select(condition => $"{condition!["test"]} {condition["variable"]} {Texts(condition["values"])}") ?? []))),
    ];

    public static string Texts(JsonNode? list) => string.Join(' ', list!.AsArray().Select(item => $"'{item}'"));

    private Dictionary<string, JsonObject> Blocks(string kind, string type) => files
        .Select(file => file[kind]?[type])
        .OfType<JsonObject>()
        .SelectMany(named => named)
        .ToDictionary(pair => pair.Key, pair => pair.Value!.AsObject());
}
