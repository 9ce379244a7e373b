using System.Text.Json;
using System.Text.Json.Serialization;

namespace DineHub.AppHost.Publishing.Secrets;

/// <summary>Whom secrets are encrypted to: public age keys. Written by <c>secrets init</c>, read by <c>publish</c>.</summary>
/// <param name="Operators">The operators', in the order of the topology.</param>
/// <param name="Hosts">Each host's own, by its name.</param>
internal sealed record Recipients(IReadOnlyList<string> Operators, IReadOnlyDictionary<string, string> Hosts)
{
    public const string Path = "secrets/recipients.json";

    /// <summary>The recipients that an output folder has; null before <c>secrets init</c>.</summary>
    /// <exception cref="InvalidDataException">The file is not what it should be.</exception>
    public static Recipients? Read(string folder)
    {
        var file = System.IO.Path.Combine(folder, Path);
        if (!File.Exists(file))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(file), RecipientsJson.Default.Recipients) ?? throw new InvalidDataException($"'{file}' is empty.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{file}' is not the JSON that 'secrets init' writes: {e.Message}");
        }
    }

    public string ToJson() => JsonSerializer.Serialize(this, RecipientsJson.Default.Recipients) + "\n";
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true, NewLine = "\n", RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Recipients))]
internal sealed partial class RecipientsJson : JsonSerializerContext;
