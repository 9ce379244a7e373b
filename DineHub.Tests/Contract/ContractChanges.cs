using System.Text.Json.Nodes;

namespace DineHub.Tests.Contract;

/// <summary>
/// What of a new contract breaks clients of the old one. What clients send may be asked less of, and what they get may hold more; the
/// other way around it breaks them. So does everything that is gone.
/// </summary>
internal static class ContractChanges
{
    private static readonly string[] Methods = ["get", "put", "post", "delete", "patch", "head", "options"];

    private enum Way
    {
        Sent,
        Received,

        /// <summary>Received too, but clients are told that new reasons may come.</summary>
        Problem,
    }

    /// <summary>The breaking differences between two OpenAPI 3.1 documents, one sentence each.</summary>
    public static IReadOnlyList<string> Breaking(JsonObject before, JsonObject after)
    {
        var comparison = new Comparison(before, after);
        comparison.ComparePaths();
        return comparison.Changes;
    }

    private sealed class Comparison(JsonObject before, JsonObject after)
    {
        // Compared once, at the first place that refers to it: schemas are shared, and may refer to themselves.
        private readonly HashSet<(string?, string?, Way)> compared = [];

        public List<string> Changes { get; } = [];

        public void ComparePaths()
        {
            foreach (var (path, old) in Members(before["paths"]))
            {
                if (after["paths"]?[path] is not { } item)
                {
                    Changes.Add($"{path} is gone");
                    continue;
                }

                foreach (var (method, operation) in Members(old).Where(member => Methods.Contains(member.Key)))
                {
                    var name = $"{method.ToUpperInvariant()} {path}";
                    if (item[method] is { } changed)
                    {
                        CompareOperation(name, operation!, changed);
                    }
                    else
                    {
                        Changes.Add($"{name} is gone");
                    }
                }
            }
        }

        private static JsonObject Members(JsonNode? node) => node?.AsObject() ?? [];

        private static HashSet<string> Names(JsonNode? node) =>
            node is JsonArray array ? [.. array.Select(name => name!.ToJsonString().Trim('"'))] : node is null ? [] : [(string)node!];

        private static JsonNode? Resolve(JsonObject document, JsonNode? node) => (string?)(node as JsonObject)?["$ref"] is { } reference
            ? Resolve(document, reference.Split('/').Skip(1).Aggregate((JsonNode?)document, (parent, name) => parent?[name]))
            : node;

        private void CompareOperation(string name, JsonNode old, JsonNode changed)
        {
            if ((string?)old["operationId"] != (string?)changed["operationId"])
            {
                Changes.Add($"{name}: operationId was {old["operationId"]} and is {changed["operationId"]}");
            }

            if (!NeedsToken(old) && NeedsToken(changed))
            {
                Changes.Add($"{name}: needs a token now");
            }

            CompareParameters(name, Parameters(before, old), Parameters(after, changed));
            CompareBody(name, Resolve(before, old["requestBody"]), Resolve(after, changed["requestBody"]));
            foreach (var (status, response) in Members(old["responses"]))
            {
                if (Resolve(after, changed["responses"]?[status]) is { } now)
                {
                    var way = status[0] is '4' or '5' ? Way.Problem : Way.Received;
                    CompareResponse($"{name}: answer {status}", Resolve(before, response)!, now, way);
                }
                else
                {
                    Changes.Add($"{name}: answer {status} is gone");
                }
            }
        }

        private static bool NeedsToken(JsonNode operation) =>
            operation["security"] is JsonArray { Count: > 0 } ways && ways.All(way => way!.AsObject().Count > 0);

        private static Dictionary<(string In, string Name), JsonNode> Parameters(JsonObject document, JsonNode operation) =>
            (operation["parameters"]?.AsArray() ?? [])
                .Select(parameter => Resolve(document, parameter)!)
                .ToDictionary(parameter => ((string)parameter["in"]!, (string)parameter["name"]!));

        private void CompareParameters(
            string name, Dictionary<(string In, string Name), JsonNode> old, Dictionary<(string In, string Name), JsonNode> changed)
        {
            foreach (var (key, parameter) in old)
            {
                var at = $"{name}: {key.In} parameter {key.Name}";
                if (!changed.TryGetValue(key, out var now))
                {
                    Changes.Add($"{at} is gone");
                    continue;
                }

                if (!IsRequired(parameter) && IsRequired(now))
                {
                    Changes.Add($"{at} is required now");
                }

                CompareSchema(at, parameter["schema"], now["schema"], Way.Sent);
            }

            foreach (var (key, _) in changed.Where(pair => IsRequired(pair.Value) && !old.ContainsKey(pair.Key)))
            {
                Changes.Add($"{name}: {key.In} parameter {key.Name} is new and required");
            }
        }

        private static bool IsRequired(JsonNode node) => (bool?)node["required"] is true;

        private void CompareBody(string name, JsonNode? old, JsonNode? changed)
        {
            if (changed is not null && IsRequired(changed) && (old is null || !IsRequired(old)))
            {
                Changes.Add($"{name}: a body is required now");
            }

            if (old is not null)
            {
                CompareContent($"{name}: body", old["content"], changed?["content"], Way.Sent);
            }
        }

        private void CompareResponse(string at, JsonNode old, JsonNode changed, Way way)
        {
            foreach (var (header, _) in Members(old["headers"]).Where(header => changed["headers"]?[header.Key] is null))
            {
                Changes.Add($"{at}: header {header} is gone");
            }

            CompareContent(at, old["content"], changed["content"], way);
        }

        private void CompareContent(string at, JsonNode? old, JsonNode? changed, Way way)
        {
            foreach (var (type, content) in Members(old))
            {
                if (changed?[type] is { } now)
                {
                    CompareSchema(at, content!["schema"], now["schema"], way);
                }
                else
                {
                    Changes.Add($"{at}: {type} is gone");
                }
            }
        }

        private void CompareSchema(string at, JsonNode? old, JsonNode? changed, Way way)
        {
            var (was, now) = ((string?)old?["$ref"], (string?)changed?["$ref"]);
            if ((was is not null || now is not null) && !compared.Add((was, now, way)))
            {
                return;
            }

            (old, changed) = (Resolve(before, old) ?? new JsonObject(), Resolve(after, changed) ?? new JsonObject());
            CompareTypes(at, Names(old["type"]), Names(changed["type"]), way);
            foreach (var keyword in new[] { "format", "pattern", "const" }.Where(keyword => !JsonNode.DeepEquals(old[keyword], changed[keyword])))
            {
                Changes.Add($"{at}: {keyword} was {old[keyword]?.ToString() ?? "none"} and is {changed[keyword]?.ToString() ?? "none"}");
            }

            CompareEnum(at, old["enum"], changed["enum"], way);
            CompareProperties(at, old, changed, way);
            foreach (var (keyword, suffix) in new[] { ("items", "[]"), ("additionalProperties", ".*") }.Where(pair => old[pair.Item1] is JsonObject || changed[pair.Item1] is JsonObject))
            {
                CompareSchema(at + suffix, old[keyword] as JsonObject, changed[keyword] as JsonObject, way);
            }

            foreach (var keyword in new[] { "oneOf", "anyOf", "allOf" })
            {
                CompareAlternatives($"{at} ({keyword})", old[keyword]?.AsArray() ?? [], changed[keyword]?.AsArray() ?? [], way);
            }
        }

        private void CompareAlternatives(string at, JsonArray old, JsonArray changed, Way way)
        {
            if (old.Count != changed.Count)
            {
                Changes.Add($"{at}: there were {old.Count} and are {changed.Count}");
                return;
            }

            for (var i = 0; i < old.Count; i++)
            {
                CompareSchema($"{at}[{i}]", old[i], changed[i], way);
            }
        }

        // No type is any type. Clients may send what they sent, and get nothing that they did not get.
        private void CompareTypes(string at, HashSet<string> old, HashSet<string> changed, Way way)
        {
            var (narrow, wide) = way == Way.Sent ? (old, changed) : (changed, old);
            if (wide.Count > 0 && (narrow.Count == 0 || !narrow.IsSubsetOf(wide)))
            {
                Changes.Add($"{at}: type was {Show(old)} and is {Show(changed)}");
            }
        }

        private static string Show(HashSet<string> types) => types.Count == 0 ? "any" : string.Join(" or ", types);

        private void CompareEnum(string at, JsonNode? old, JsonNode? changed, Way way)
        {
            var (was, now) = (Names(old), Names(changed));
            if (old is not null && changed is not null)
            {
                Changes.AddRange(was.Except(now).Select(name => $"{at}: {name} is gone"));
                Changes.AddRange(now.Except(was).Where(_ => way == Way.Received).Select(name => $"{at}: {name} is new, and no client knows it"));
            }
            else if (way == Way.Sent ? changed is not null : old is not null)
            {
                Changes.Add($"{at}: {(changed is null ? "is no longer an enumeration" : $"is one of {string.Join(", ", now)} now")}");
            }
        }

        private void CompareProperties(string at, JsonNode old, JsonNode changed, Way way)
        {
            foreach (var (name, property) in Members(old["properties"]))
            {
                if (changed["properties"]?[name] is { } now)
                {
                    CompareSchema($"{at}.{name}", property, now, way);
                }
                else
                {
                    Changes.Add($"{at}.{name} is gone");
                }
            }

            var (was, required) = (Names(old["required"]), Names(changed["required"]));
            Changes.AddRange(way == Way.Sent
                ? required.Except(was).Select(name => $"{at}.{name} is required now")
                : was.Except(required).Where(name => changed["properties"]?[name] is not null).Select(name => $"{at}.{name} may be left out now"));
        }
    }
}
