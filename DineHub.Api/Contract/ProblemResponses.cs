using System.Globalization;
using DineHub.Api.Http.Errors;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.OpenApi;

namespace DineHub.Api.Contract;

/// <summary>Describes the problems (RFC 9457): one schema, and in each answer an example of each reason.</summary>
internal sealed class ProblemResponses : IOpenApiOperationTransformer
{
    private const string ContentType = "application/problem+json";
    private const string Schema = "ProblemDetails";

    // Its members are in the other one.
    private const string ValidationSchema = "HttpValidationProblemDetails";

    public static void AddTo(OpenApiDocument document)
    {
        document.Components!.Schemas!.Remove(ValidationSchema);
        document.Components.Schemas[Schema] = Describe(document);
        foreach (var example in ProblemExamples.Refused.Values.Concat(ProblemExamples.Plain.Values))
        {
            document.AddComponent<IOpenApiExample>(example.Name, new OpenApiExample { Summary = example.Title, Value = example.Json.DeepClone() });
        }

        foreach (var plain in ProblemExamples.Plain.Values)
        {
            document.AddComponent<IOpenApiResponse>(plain.Name, Response(plain.Status, [plain], document));
        }
    }

    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var responses = operation.Responses!;
        foreach (var status in Everywhere(operation))
        {
            responses.TryAdd(status.ToString(CultureInfo.InvariantCulture), new OpenApiResponse());
        }

        var reasons = Refusals.Of.GetValueOrDefault(operation.OperationId!, []).Select(reason => ProblemExamples.Refused[reason]).ToLookup(example => example.Status);
        var ordered = new OpenApiResponses();
        foreach (var (key, response) in responses.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            var status = int.Parse(key, CultureInfo.InvariantCulture);
            ordered[key] = status < StatusCodes.Status400BadRequest ? response : Problem(operation, status, [.. reasons[status]], context.Document!);
        }

        operation.Responses = ordered;
        return Task.CompletedTask;
    }

    // What the framework, the pipeline or the database can answer instead of the endpoint.
    private static IEnumerable<int> Everywhere(OpenApiOperation operation)
    {
        if (operation.RequestBody?.Content?.ContainsKey(BodyExamples.Json) is true)
        {
            yield return StatusCodes.Status400BadRequest;
            yield return StatusCodes.Status413PayloadTooLarge;
            yield return StatusCodes.Status415UnsupportedMediaType;
        }

        yield return StatusCodes.Status503ServiceUnavailable;
    }

    private static IOpenApiResponse Problem(OpenApiOperation operation, int status, ProblemExample[] reasons, OpenApiDocument document)
    {
        var plain = ProblemExamples.Plain.GetValueOrDefault(status);
        if (reasons.Length == 0 && plain is not null)
        {
            return new OpenApiResponseReference(plain.Name, document);
        }

        // Also without a reason: a request that says nothing of who asks, or that cannot be read.
        var also = plain is not null && status switch
        {
            StatusCodes.Status401Unauthorized or StatusCodes.Status403Forbidden => AccessDescription.IsRequired(operation),
            _ => operation.RequestBody?.Content?.ContainsKey(BodyExamples.Json) is true,
        };
        return Response(status, also ? [.. reasons, plain!] : reasons, document);
    }

    private static OpenApiResponse Response(int status, ProblemExample[] examples, OpenApiDocument document)
    {
        var reasons = examples.Where(example => Enum.TryParse<Refusal>(example.Name, out _)).Select(example => example.Name).ToArray();
        var phrase = ReasonPhrases.GetReasonPhrase(status);
        return new OpenApiResponse
        {
            Description = reasons.Length == 0 ? $"{phrase}." : $"{phrase}: {string.Join(", ", reasons)}.",
            Headers = ResponseHeaders.OfProblem(status, reasons.Length < examples.Length, document),
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [ContentType] = new()
                {
                    Schema = new OpenApiSchemaReference(Schema, document),
                    Examples = examples.ToDictionary(example => example.Name, IOpenApiExample (example) => new OpenApiExampleReference(example.Name, document)),
                },
            },
        };
    }

    private static OpenApiSchema Describe(OpenApiDocument document) => new()
    {
        Type = JsonSchemaType.Object,
        Description = "A problem (RFC 9457).",
        Required = new HashSet<string> { "type", "title", "status", "instance", "traceId" },
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["type"] = Text($"{Problems.TypePrefix} and the reason; without a reason, the status in RFC 9110."),
            ["title"] = Text("A summary for people."),
            ["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int32", Description = "The HTTP status." },
            ["detail"] = Text("Details for people."),
            ["instance"] = Text("The request's path."),
            ["reason"] = new OpenApiSchemaReference(nameof(Refusal), document) { Description = "The machine-readable reason; absent if the status is all." },
            ["errors"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Description = "The fields, named as in the request, each with the rules that it breaks.",
                AdditionalProperties = Texts("The rules."),
            },
            ["traceId"] = Text("The request's id in the log."),
            ["reasons"] = Texts("All reasons for the refusal of an order; reason is the first."),
            ["total"] = new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int64", Description = "The right total, with TotalChanged, in minor currency units." },
            ["version"] = new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int32", Description = "The current version, with VersionMismatch." },
            ["current"] = Text("The order's stage, with IllegalTransition."),
            ["requested"] = Text("The requested stage, with IllegalTransition."),
            ["allowed"] = Texts("The permitted next stages, with IllegalTransition."),
        },
    };

    private static OpenApiSchema Text(string description) => new() { Type = JsonSchemaType.String, Description = description };

    private static OpenApiSchema Texts(string description) => new()
    {
        Type = JsonSchemaType.Array,
        Items = new OpenApiSchema { Type = JsonSchemaType.String },
        Description = description,
    };
}
