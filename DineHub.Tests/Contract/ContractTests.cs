using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using DineHub.Api;
using DineHub.Api.Contract;
using DineHub.Api.Http.Errors;

namespace DineHub.Tests.Contract;

[Collection(ContractDocument.Collection)]
public sealed class ContractTests(ContractDocument document)
{
    private const string Accept = "DINEHUB_ACCEPT_CONTRACT";
    private const string Json = "application/json";
    private const string ProblemJson = "application/problem+json";

    [Fact]
    public void The_contract_is_the_committed_one()
    {
        var file = ContractDocument.FileOf("docs", "openapi.json");
        if (Environment.GetEnvironmentVariable(Accept) == "1")
        {
            File.WriteAllText(file, document.Text);
        }

        var committed = File.Exists(file) ? File.ReadAllText(file).ReplaceLineEndings("\n") : "{}\n";
        if (committed == document.Text)
        {
            return;
        }

        var breaking = ContractChanges.Breaking(JsonNode.Parse(committed)!.AsObject(), document.Root);
        var line = committed.Split('\n').Zip(document.Text.Split('\n')).TakeWhile(lines => lines.First == lines.Second).Count() + 1;
        Assert.Fail($"""
            The API's contract is not docs/openapi.json: they differ from line {line} on.
            {(breaking.Count == 0 ? "Nothing in it breaks clients." : $"It breaks clients:\n{string.Join('\n', breaking.Select(change => $"  - {change}"))}")}
            To accept it, commit what this writes:
              {Accept}=1 dotnet test DineHub.Tests --filter "FullyQualifiedName~{nameof(The_contract_is_the_committed_one)}"
            """);
    }

    [Fact]
    public void Every_operation_says_what_it_does_and_what_it_answers()
    {
        var wrong = document.Operations.Where(operation =>
            operation.Id.Length == 0
            || string.IsNullOrWhiteSpace((string?)operation.Json["summary"])
            || operation.Json["tags"] is not JsonArray { Count: 1 }
            || !operation.Json["responses"]!.AsObject().Any(response => response.Key[0] == '2'));
        wrong.Select(operation => operation.ToString()).ShouldBeEmpty();
        document.Operations.Select(operation => operation.Id).ShouldBeUnique();
        Schemas().Where(schema => string.IsNullOrWhiteSpace((string?)schema.Schema["description"])).Select(schema => schema.Name).ShouldBeEmpty();
        document.Operations
            .SelectMany(operation => operation.Json["parameters"]?.AsArray() ?? [])
            .Where(parameter => string.IsNullOrWhiteSpace((string?)parameter!["description"]))
            .ShouldBeEmpty();
    }

    [Fact]
    public void Every_body_and_every_JSON_answer_has_an_example_that_the_API_itself_reads_and_writes()
    {
        var contents = JsonContents().ToList();
        contents.Count.ShouldBeGreaterThan(50);
        foreach (var (where, content) in contents)
        {
            var example = content["example"].ShouldNotBeNull(where);
            var type = ContractDocument.TypeOf(content["schema"]!);
            var value = JsonSerializer.Deserialize(example, type, ApiJson.Default).ShouldNotBeNull(where);
            JsonNode.DeepEquals(JsonSerializer.SerializeToNode(value, type, ApiJson.Default), example).ShouldBeTrue($"{where} {type.Name}");
        }
    }

    [Fact]
    public void Every_example_is_as_its_schema_says()
    {
        var contents = JsonContents().Concat(document.Operations.SelectMany(operation => Problems(operation).Select(problem => problem.Content)));
        contents
            .SelectMany(content => ExamplesOf(content.Content).SelectMany(example => SchemaCheck.Errors(document, content.Where, content.Content["schema"]!, example)))
            .ShouldBeEmpty();
    }

    [Fact]
    public void Every_enumeration_has_its_names()
    {
        var found = 0;
        foreach (var (where, schema) in Nodes(document.Root, "#").Where(node => node.Json.ContainsKey("enum") && node.Json["enum"] is JsonArray))
        {
            found++;
            schema["enum"]!.AsArray().Count.ShouldBeGreaterThan(0, where);
            ((string?)schema["type"]).ShouldBe("string", where);
        }

        found.ShouldBeGreaterThanOrEqualTo(9);
        Schemas().Where(schema => !schema.Schema.ContainsKey("type") && !schema.Schema.ContainsKey("$ref")).Select(schema => schema.Name).ShouldBeEmpty();
        document.Root["components"]!["schemas"]!["Refusal"]!["enum"]!.AsArray().Select(name => (string)name!).ShouldBe(Enum.GetNames<Refusal>());
    }

    [Fact]
    public void Every_refusal_is_problem_json_with_an_example_of_its_status()
    {
        foreach (var operation in document.Operations)
        {
            operation.Json["responses"]!.AsObject().ShouldContainKey("503", operation.ToString());
            foreach (var (status, (where, content)) in Problems(operation))
            {
                ExamplesOf(content).ShouldNotBeEmpty(where);
                ExamplesOf(content).ShouldAllBe(example => (int)example["status"]! == status, where);
            }
        }
    }

    [Fact]
    public void Every_reason_that_an_operation_refuses_with_is_at_a_status_that_its_endpoint_declares()
    {
        Refusals.Of.Keys.ShouldBe(document.Operations.Select(operation => operation.Id), ignoreOrder: true);
        foreach (var operation in document.Operations)
        {
            Problems(operation)
                .SelectMany(problem => ExamplesOf(problem.Content.Content))
                .Select(example => (string?)example["reason"])
                .Where(reason => reason is not null)
                .ShouldBe(Refusals.Of[operation.Id].Select(reason => reason.ToString()), ignoreOrder: true, operation.ToString());
        }

        Refusals.Of.Values.SelectMany(reasons => reasons).Distinct().Order().ShouldBe(Enum.GetValues<Refusal>());
    }

    [Fact]
    public void Operations_that_need_a_sign_in_declare_401_and_403()
    {
        foreach (var operation in document.Operations)
        {
            var responses = operation.Json["responses"]!.AsObject();
            responses.ContainsKey("401").ShouldBe(operation.NeedsToken || operation.Id is "SignIn" or "Refresh", operation.ToString());
            responses.ContainsKey("403").ShouldBe(operation.NeedsToken || operation.Id is "UploadImage", operation.ToString());
        }

        document.Operations.Count(operation => operation.NeedsToken).ShouldBeGreaterThan(30);
    }

    [Theory]
    [InlineData("PlaceOrder", "Idempotency-Key", true)]
    [InlineData("ChangeRestaurant", "If-Match", true)]
    [InlineData("ReplaceMenu", "If-Match", true)]
    [InlineData("BumpOrder", "If-Match", true)]
    [InlineData("ChangeOrderStatus", "If-Match", false)]
    [InlineData("GetMenu", "If-None-Match", false)]
    [InlineData("GetOrder", "Tracking-Token", false)]
    [InlineData("FollowOrder", "Last-Event-ID", false)]
    [InlineData("WatchKitchen", "Last-Event-ID", false)]
    public void Headers_of_requests_are_documented(string operationId, string header, bool required)
    {
        var parameter = document.Operations.Single(operation => operation.Id == operationId).Json["parameters"]!.AsArray()
            .Single(parameter => (string)parameter!["in"]! == "header" && (string)parameter["name"]! == header)!;
        ((bool?)parameter["required"] ?? false).ShouldBe(required);
    }

    [Theory]
    [InlineData("PlaceOrder", "201", "ETag")]
    [InlineData("PlaceOrder", "201", "Location")]
    [InlineData("PlaceOrder", "201", "Idempotency-Replayed")]
    [InlineData("PlaceOrder", "503", "Retry-After")]
    [InlineData("GetOrder", "200", "ETag")]
    [InlineData("GetRestaurant", "200", "ETag")]
    [InlineData("GetMenu", "304", "ETag")]
    [InlineData("Register", "201", "Location")]
    [InlineData("SignIn", "429", "Retry-After")]
    public void Headers_of_answers_are_documented(string operationId, string status, string header) =>
        document.Resolve(document.Operations.Single(operation => operation.Id == operationId).Json["responses"]![status]!)["headers"]!.AsObject().ShouldContainKey(header);

    private static IEnumerable<(string Where, JsonObject Json)> Nodes(JsonNode? node, string where) => node switch
    {
        JsonObject json => json.SelectMany(member => Nodes(member.Value, $"{where}/{member.Key}")).Prepend((where, json)),
        JsonArray array => array.SelectMany((element, i) => Nodes(element, $"{where}/{i}")),
        _ => [],
    };

    private IEnumerable<(string Name, JsonObject Schema)> Schemas() => document.Root["components"]!["schemas"]!.AsObject().SelectMany(
        schema => (schema.Value!["properties"]?.AsObject() ?? [])
            .Select(member => ($"{schema.Key}.{member.Key}", member.Value!.AsObject()))
            .Prepend((schema.Key, schema.Value.AsObject())));

    private IEnumerable<(string Where, JsonNode Content)> JsonContents()
    {
        foreach (var operation in document.Operations)
        {
            if (operation.Json["requestBody"]?["content"]?[Json] is { } body)
            {
                yield return ($"{operation}: request", body);
            }

            foreach (var (status, response) in operation.Json["responses"]!.AsObject().Where(response => response.Key[0] == '2'))
            {
                if (response!["content"]?[Json] is { } content)
                {
                    yield return ($"{operation}: {status}", content);
                }
            }
        }
    }

    private IEnumerable<(int Status, (string Where, JsonNode Content) Content)> Problems(Operation operation)
    {
        foreach (var (status, response) in operation.Json["responses"]!.AsObject().Where(response => response.Key[0] is '4' or '5'))
        {
            var content = document.Resolve(response!)["content"]?.AsObject();
            var where = $"{operation}: {status}";
            content.ShouldNotBeNull(where).ShouldHaveSingleItem().Key.ShouldBe(ProblemJson, where);
            yield return (int.Parse(status, CultureInfo.InvariantCulture), (where, content[ProblemJson]!));
        }
    }

    private IEnumerable<JsonNode> ExamplesOf(JsonNode content) => content["example"] is { } one
        ? [one]
        : (content["examples"]?.AsObject() ?? []).Select(example => document.Resolve(example.Value!)["value"]!);
}
