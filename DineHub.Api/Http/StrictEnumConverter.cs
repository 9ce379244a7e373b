using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace DineHub.Api.Http;

/// <summary>
/// Enumerations are one of their names in JSON, exactly. The framework's converter takes numbers unless told otherwise, names in any case,
/// and several names joined by commas.
/// </summary>
/// <typeparam name="T">The enumeration.</typeparam>
internal sealed class StrictEnumConverter<T> : JsonConverter<T>
    where T : struct, Enum
{
    private static readonly FrozenDictionary<string, T> Values = Enum.GetNames<T>().Zip(Enum.GetValues<T>())
        .ToFrozenDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal);

    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && Values.TryGetValue(reader.GetString()!, out var value)
            ? value
            : throw new JsonException($"must be one of {string.Join(", ", Enum.GetNames<T>())}");

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());

    public override T ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Read(ref reader, typeToConvert, options);

    public override void WriteAsPropertyName(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WritePropertyName(value.ToString());
}
