using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using DineHub.Api;

namespace DineHub.Tests.Contract;

/// <summary>DineHub.Api.http walks through the whole API, and through nothing else.</summary>
[Collection(ContractDocument.Collection)]
public sealed partial class HttpFileTests(ContractDocument document)
{
    private const string Host = "{{host}}";

    [Fact]
    public void Every_operation_is_walked_through_and_no_other_is_named()
    {
        var requests = Read();
        requests.Where(request => Find(request) is null).Select(request => $"{request.Method} {request.Path}").ShouldBeEmpty();
        document.Operations.Except(requests.Select(request => Find(request)!)).Select(operation => operation.ToString()).ShouldBeEmpty();
    }

    [Fact]
    public void Its_bodies_are_what_the_operations_take()
    {
        var bodies = 0;
        foreach (var request in Read())
        {
            var content = Find(request)!.Json["requestBody"]?["content"];
            (request.Body.Length > 0).ShouldBe(content is not null, $"{request.Method} {request.Path}");
            if (content?["application/json"] is { } json)
            {
                bodies++;
                var where = $"{request.Method} {request.Path}";
                var body = VariablePattern().Replace(request.Body, Sample);
                SchemaCheck.Errors(document, where, json["schema"]!, JsonNode.Parse(body)).ShouldBeEmpty();
                Should.NotThrow(() => JsonSerializer.Deserialize(body, ContractDocument.TypeOf(json["schema"]!), ApiJson.Default), where);
            }
        }

        bodies.ShouldBeGreaterThan(20);
    }

    [Fact]
    public void Its_requests_have_the_headers_that_are_required()
    {
        foreach (var request in Read())
        {
            var operation = Find(request)!;
            var required = (operation.Json["parameters"]?.AsArray() ?? [])
                .Where(parameter => (string)parameter!["in"]! == "header" && (bool?)parameter["required"] is true)
                .Select(parameter => (string)parameter!["name"]!);
            request.Headers.ShouldBe(request.Headers.Union(required), ignoreOrder: true, $"{request.Method} {request.Path}");
            if (operation.NeedsToken)
            {
                request.Headers.ShouldContain("Authorization", $"{request.Method} {request.Path}");
            }
        }
    }

    [Fact]
    public void Its_variables_are_defined()
    {
        var text = File.ReadAllText(ContractDocument.FileOf("DineHub.Api", "DineHub.Api.http"));
        var defined = DefinitionPattern().Matches(text).Select(match => match.Groups["name"].Value).ToHashSet();
        var used = VariablePattern().Matches(text).Select(match => match.Groups["name"].Value).Where(name => !name.StartsWith('$'));
        used.Except(defined).ShouldBeEmpty();
    }

    private static string Sample(Match variable) => variable.Groups["name"].Value switch
    {
        "$datetime" or "slots" => "2026-05-04T12:30:00Z",
        _ when variable.Groups["quote"].Success => "x",
        _ => "1",
    };

    private static List<Request> Read()
    {
        var requests = new List<Request>();
        foreach (var block in SeparatorPattern().Split(File.ReadAllText(ContractDocument.FileOf("DineHub.Api", "DineHub.Api.http")).ReplaceLineEndings("\n")))
        {
            if (RequestPattern().Match(block) is not { Success: true } match)
            {
                continue;
            }

            // A link from an answer says nothing of its path: the line above does.
            var url = match.Groups["url"].Value;
            var path = url.StartsWith($"{Host}/", StringComparison.Ordinal) ? url[Host.Length..].Split('?')[0] : TemplatePattern().Match(block).Groups["path"].Value;
            var headers = match.Groups["headers"].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(header => header.Split(':')[0]).ToList();
            requests.Add(new Request(match.Groups["method"].Value, path, headers, match.Groups["body"].Value.Trim()));
        }

        return requests;
    }

    private Operation? Find(Request request) =>
        document.Operations.FirstOrDefault(operation => operation.Method == request.Method && Matches(operation.Path.Split('/'), request.Path.Split('/')));

    private static bool Matches(string[] template, string[] path) =>
        template.Length == path.Length && template.Zip(path).All(pair => pair.First == pair.Second || (pair.First.StartsWith('{') && pair.Second.StartsWith("{{", StringComparison.Ordinal)));

    [GeneratedRegex("^###.*$", RegexOptions.Multiline)]
    private static partial Regex SeparatorPattern();

    [GeneratedRegex(@"^(?<method>GET|PUT|POST|DELETE|PATCH) (?<url>\S.*)\n(?<headers>([A-Za-z-]+:.*\n)*)(\n(?<body>[^#]*))?", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex RequestPattern();

    [GeneratedRegex(@"^# (GET|PUT|POST|DELETE|PATCH) (?<path>/\S+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex TemplatePattern();

    [GeneratedRegex("(?<quote>(?<=\"))?{{(?<name>[$A-Za-z]+)[^}]*}}", RegexOptions.ExplicitCapture)]
    private static partial Regex VariablePattern();

    [GeneratedRegex(@"^(@|# @name )(?<name>[A-Za-z]+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex DefinitionPattern();

    private sealed record Request(string Method, string Path, IReadOnlyList<string> Headers, string Body);
}
