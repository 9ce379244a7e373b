using System.Text.Json.Nodes;
using DineHub.Api.Http.Errors;
using DineHub.Api.Menus;
using DineHub.Api.Orders;
using DineHub.Api.Restaurants;
using Microsoft.AspNetCore.Authentication.BearerToken;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace DineHub.Api.Contract;

/// <summary>
/// What must be there and what may be left out. The framework takes a constructor's parameters for required, and null for a value of theirs;
/// but the API leaves out what is null, takes null for left out, and says "is required" of what a request must have.
/// </summary>
internal sealed class AbsentMembers : IOpenApiDocumentTransformer
{
    // Bodies: every member can be null, so that a request is refused with all that it lacks, and not by the serializer with the first.
    private static readonly string[] OtherBodies = [nameof(RestaurantProfile), nameof(CapacitySettings)];

    private static readonly HashSet<(string Schema, string Member)> NotNeeded =
    [
        (nameof(RestaurantProfile), "description"),
        (nameof(RestaurantProfile), "phone"),
        (nameof(PlaceOrderRequest), "customer"),
    ];

    private static readonly Dictionary<Type, string> Enumerations = new()
    {
        [typeof(DayOfWeek)] = "A day of the week.",
        [typeof(OrderReason)] = "The reason for a rejection or a cancellation.",
        [typeof(StockMark)] = "The stock level of a tracked item.",
        [typeof(Refusal)] = "The reason for a refusal. docs/problems.md describes how to handle each; new ones may be added.",
    };

    // The framework's own type has no description.
    private static readonly Dictionary<string, string> Tokens = new()
    {
        ["tokenType"] = "Bearer.",
        ["accessToken"] = "The bearer token for requests.",
        ["expiresIn"] = "Seconds until the access token expires.",
        ["refreshToken"] = "The token to refresh the session with; valid for 14 days.",
    };

    public Task TransformAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        var schemas = document.Components!.Schemas!;
        foreach (var (type, description) in Enumerations)
        {
            schemas[type.Name] = EnumSchemas.Describe(new OpenApiSchema { Description = description }, type);
        }

        foreach (var (name, schema) in schemas.Select(pair => (pair.Key, (OpenApiSchema)pair.Value)))
        {
            foreach (var (member, value) in schema.Properties ?? new Dictionary<string, IOpenApiSchema>())
            {
                schema.Properties![member] = Describe(document, name, member, schema, value);
            }
        }

        var tokens = (OpenApiSchema)schemas[nameof(AccessTokenResponse)];
        tokens.Description = "The tokens of a session.";
        foreach (var (member, description) in Tokens)
        {
            tokens.Properties![member].Description = description;
        }

        return Task.CompletedTask;
    }

    private static IOpenApiSchema Describe(OpenApiDocument document, string name, string member, OpenApiSchema schema, IOpenApiSchema value)
    {
        var isBody = name.EndsWith("Request", StringComparison.Ordinal) || OtherBodies.Contains(name);
        var required = schema.Required?.Contains(member) is true && (isBody || !IsNullable(value)) && !NotNeeded.Contains((name, member));
        if (!required)
        {
            schema.Required?.Remove(member);
        }

        return Named(document, WithoutNull(value));
    }

    private static bool IsNullable(IOpenApiSchema schema) => schema.OneOf is { Count: > 0 } || schema.Type?.HasFlag(JsonSchemaType.Null) is true;

    private static IOpenApiSchema WithoutNull(IOpenApiSchema schema)
    {
        if (schema is OpenApiSchema { OneOf: [{ Type: JsonSchemaType.Null }, var only] })
        {
            return only;
        }

        if (schema is OpenApiSchema { Type: { } type } own)
        {
            own.Type = type & ~JsonSchemaType.Null;
        }

        return schema;
    }

    // The framework names no nullable enumeration, nor one in an array.
    private static IOpenApiSchema Named(OpenApiDocument document, IOpenApiSchema schema)
    {
        if (schema is OpenApiSchema { Items: OpenApiSchema items } array)
        {
            array.Items = Named(document, items);
        }

        if (schema is not OpenApiSchema { Enum: { Count: > 0 } names })
        {
            return schema;
        }

        var named = document.Components!.Schemas!.FirstOrDefault(pair => pair.Value.Enum is { } all && all.Select(Text).SequenceEqual(names.Select(Text)));
        return named.Key is null ? schema : new OpenApiSchemaReference(named.Key, document) { Description = schema.Description };
    }

    private static string Text(JsonNode node) => node.GetValue<string>();
}
