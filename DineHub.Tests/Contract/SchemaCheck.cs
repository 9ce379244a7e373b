using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace DineHub.Tests.Contract;

/// <summary>As much of JSON Schema as the contract uses.</summary>
internal static class SchemaCheck
{
    public static IEnumerable<string> Errors(ContractDocument document, string where, JsonNode schema, JsonNode? value)
    {
        var rules = document.Resolve(schema);
        if ((string?)rules["type"] is { } type && !IsOf(type, value))
        {
            return [$"{where}: is not of type {type}"];
        }

        var errors = new List<string>();
        if (rules["enum"] is JsonArray names && !names.Any(name => JsonNode.DeepEquals(name, value)))
        {
            errors.Add($"{where}: is none of the enumeration's names");
        }

        if ((string?)rules["pattern"] is { } pattern && !Regex.IsMatch((string)value!, pattern))
        {
            errors.Add($"{where}: does not match {pattern}");
        }

        if (value is JsonArray elements && rules["items"] is { } items)
        {
            errors.AddRange(elements.SelectMany((element, i) => Errors(document, $"{where}[{i}]", items, element)));
        }

        if (value is JsonObject json)
        {
            errors.AddRange(Members(document, where, rules, json));
        }

        return errors;
    }

    private static IEnumerable<string> Members(ContractDocument document, string where, JsonObject rules, JsonObject json)
    {
        var properties = rules["properties"]?.AsObject() ?? [];
        var missing = (rules["required"]?.AsArray() ?? []).Select(name => (string)name!).Where(name => !json.ContainsKey(name));
        return missing.Select(name => $"{where}: lacks {name}").Concat(json.SelectMany(member =>
            (properties[member.Key] ?? rules["additionalProperties"]) is { } schema
                ? Errors(document, $"{where}.{member.Key}", schema, member.Value)
                : [$"{where}: {member.Key} is not in the schema"]));
    }

    private static bool IsOf(string type, JsonNode? value) => (type, value?.GetValueKind()) switch
    {
        ("object", JsonValueKind.Object) or ("array", JsonValueKind.Array) or ("string", JsonValueKind.String) => true,
        ("boolean", JsonValueKind.True or JsonValueKind.False) or ("number", JsonValueKind.Number) => true,
        ("integer", JsonValueKind.Number) => long.TryParse(value!.ToJsonString(), out _),
        _ => false,
    };
}
