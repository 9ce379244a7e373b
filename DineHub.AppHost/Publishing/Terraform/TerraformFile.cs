using System.Text.Json.Nodes;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>A file in Terraform's JSON syntax: blocks, in the order in which they were added.</summary>
/// <param name="name">The file's name, without <c>.tf.json</c>.</param>
internal sealed class TerraformFile(string name)
{
    private const string Folder = "generated/terraform/";

    private readonly JsonObject document = new() { [Comment] = Header.Line };

    /// <summary>The key whose value Terraform leaves alone.</summary>
    public const string Comment = "//";

    /// <summary>Something that Terraform makes.</summary>
    public TerraformReference Resource(string type, string name, JsonObject body)
    {
        Labelled("resource", type).Add(name, body);
        return TerraformReference.Resource(type, name);
    }

    /// <summary>Something that Terraform looks up.</summary>
    public TerraformReference Data(string type, string name, JsonObject body)
    {
        Labelled("data", type).Add(name, body);
        return TerraformReference.Data(type, name);
    }

    /// <summary>An input that the operator may set; without a word of theirs it has its default.</summary>
    public void Variable(string name, string type, string description, JsonNode fallback) =>
        Kind("variable").Add(name, new JsonObject { ["type"] = type, ["description"] = description, ["default"] = fallback });

    /// <summary>Something that Terraform tells.</summary>
    public void Output(string name, string description, JsonNode value) =>
        Kind("output").Add(name, new JsonObject { ["description"] = description, ["value"] = value });

    /// <summary>A block that has no name.</summary>
    public void Block(string kind, JsonNode body) => document.Add(kind, body);

    /// <summary>The file.</summary>
    public PublishedFile ToPublished() => new($"{Folder}{name}.tf.json", PublishedJson.Write(document));

    private JsonObject Labelled(string kind, string type) => Child(Kind(kind), type);

    private JsonObject Kind(string kind) => Child(document, kind);

    private static JsonObject Child(JsonObject parent, string key)
    {
        if (parent[key] is JsonObject existing)
        {
            return existing;
        }

        var child = new JsonObject();
        parent.Add(key, child);
        return child;
    }
}
