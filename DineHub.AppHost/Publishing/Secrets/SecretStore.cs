using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Secrets;

/// <summary>The hosts' secrets as they are kept: a file of sops for each host, which it and the operators can read.</summary>
/// <param name="folder">The folder that is published to.</param>
internal sealed partial class SecretStore(string folder)
{
    /// <summary>A host's secrets by their names; none before it has a file.</summary>
    /// <exception cref="SecretException">They can't be decrypted, for example because this operator is no recipient.</exception>
    public async Task<Dictionary<string, string>> ReadAsync(Node node, CancellationToken ct)
    {
        var path = SecretFiles.PathOf(node);
        if (!File.Exists(Path.Combine(folder, path)))
        {
            return [];
        }

        var text = await SecretTool.Sops.RunAsync(folder, ["--decrypt", "--input-type", "yaml", "--output-type", "json", path], "", ct);
        try
        {
            return Flatten(JsonNode.Parse(text)!.AsObject(), "").ToDictionary(pair => pair.Name, pair => pair.Value);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new SecretException($"{path} does not have the structure that 'secrets init' writes.");
        }
    }

    /// <summary>The recipients of a host's encrypted file, from its sops metadata; empty if the file does not exist.</summary>
    public IReadOnlySet<string> RecipientsOf(Node node)
    {
        var file = Path.Combine(folder, SecretFiles.PathOf(node));
        return File.Exists(file) ? RecipientPattern().Matches(File.ReadAllText(file)).Select(match => match.Groups["key"].Value).ToHashSet() : [];
    }

    /// <summary>Writes a host's secrets, encrypted as <c>.sops.yaml</c> says.</summary>
    /// <exception cref="SecretException">sops fails.</exception>
    public async Task WriteAsync(Node node, IReadOnlyDictionary<string, string> values, CancellationToken ct)
    {
        var document = new JsonObject();
        foreach (var (name, value) in values.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            var parts = name.Split('/');
            document[parts[0]] ??= new JsonObject();
            document[parts[0]]![parts[1]] = value;
        }

        var path = SecretFiles.PathOf(node);
        var encrypted = await SecretTool.Sops.RunAsync(
            folder, ["--encrypt", "--input-type", "json", "--output-type", "yaml", "--filename-override", path, "/dev/stdin"], document.ToJsonString(), ct);
        new PublicationFolder(folder).Write(path, encrypted);
    }

    private static IEnumerable<(string Name, string Value)> Flatten(JsonObject document, string prefix) =>
        document.SelectMany(pair => pair.Value is JsonObject inner
            ? Flatten(inner, $"{prefix}{pair.Key}/")
            : [(prefix + pair.Key, pair.Value!.GetValue<string>())]);

    [GeneratedRegex(@"^[ -]*recipient: (?<key>age1\w+)\s*$", RegexOptions.Multiline)]
    private static partial Regex RecipientPattern();
}
