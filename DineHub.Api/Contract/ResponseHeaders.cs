using System.Globalization;
using DineHub.Api.Menus;
using DineHub.Api.Orders;
using DineHub.Api.Restaurants;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace DineHub.Api.Contract;

/// <summary>The headers of answers.</summary>
internal sealed class ResponseHeaders : IOpenApiOperationTransformer
{
    private const string ETag = "ETag";
    private const string Location = "Location";
    private const string Replayed = "Idempotency-Replayed";
    private const string RetryAfter = "Retry-After";
    private const string Authenticate = "WWW-Authenticate";

    private static readonly (string Name, JsonSchemaType Type, string Description)[] All =
    [
        (ETag, JsonSchemaType.String, "The version, for If-Match and If-None-Match."),
        (Location, JsonSchemaType.String, "The path of the new resource."),
        (Replayed, JsonSchemaType.String, "true if the order was placed before with the same key; absent otherwise."),
        (RetryAfter, JsonSchemaType.Integer, "Seconds to wait before the next attempt; absent where the wait is unknown."),
        (Authenticate, JsonSchemaType.String, "Bearer, if the token is absent or not valid."),
    ];

    // Each answers with its version, wherever it is the whole answer.
    private static readonly Type[] Versioned = [typeof(Restaurant), typeof(Menu), typeof(Order)];

    public static void AddTo(OpenApiDocument document)
    {
        foreach (var (name, type, description) in All)
        {
            document.AddComponent<IOpenApiHeader>(name, new OpenApiHeader { Description = description, Schema = new OpenApiSchema { Type = type } });
        }
    }

    /// <summary>The headers that problems of a status have.</summary>
    public static Dictionary<string, IOpenApiHeader>? OfProblem(int status, bool asksForToken, OpenApiDocument? document) => status switch
    {
        StatusCodes.Status401Unauthorized when asksForToken => References(document, Authenticate),
        StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable => References(document, RetryAfter),
        _ => null,
    };

    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var conditional = operation.Responses!.ContainsKey("304");
        foreach (var (key, response) in operation.Responses.Where(pair => pair.Key[0] is '2' or '3'))
        {
            var type = context.Description.SupportedResponseTypes
                .FirstOrDefault(supported => supported.StatusCode == int.Parse(key, CultureInfo.InvariantCulture))?.Type;
            var names = new List<string>();
            if (conditional || (Versioned.Contains(type) && response.Content?.ContainsKey(BodyExamples.Json) is true))
            {
                names.Add(ETag);
            }

            if (key == "201")
            {
                names.Add(Location);
                if (operation.Parameters?.Any(parameter => parameter.Name == ParameterDescriptions.IdempotencyKey) is true)
                {
                    names.Add(Replayed);
                }
            }

            if (names.Count > 0)
            {
                ((OpenApiResponse)response).Headers = References(context.Document, [.. names]);
            }
        }

        return Task.CompletedTask;
    }

    private static Dictionary<string, IOpenApiHeader> References(OpenApiDocument? document, params string[] names) =>
        names.ToDictionary(name => name, IOpenApiHeader (name) => new OpenApiHeaderReference(name, document));
}
