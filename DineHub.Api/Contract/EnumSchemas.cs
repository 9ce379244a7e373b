using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace DineHub.Api.Contract;

/// <summary>The schemas of what has a converter of its own, which the framework cannot see into: enumerations, wall times.</summary>
internal sealed class EnumSchemas : IOpenApiSchemaTransformer
{
    public Task TransformAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        var type = context.JsonTypeInfo.Type;
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        if (plain.IsEnum)
        {
            Describe(schema, plain);
        }
        else if (plain == typeof(TimeOnly))
        {
            // "time" would be RFC 3339's, with seconds and an offset.
            schema.Type = JsonSchemaType.String;
            schema.Format = null;
            schema.Pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$";
        }
        else if (context.JsonTypeInfo.ElementType is { IsEnum: true } element)
        {
            schema.Items = Describe(new OpenApiSchema(), element);
        }

        return Task.CompletedTask;
    }

    public static OpenApiSchema Describe(OpenApiSchema schema, Type type)
    {
        schema.Type = JsonSchemaType.String;
        schema.Enum = [.. Enum.GetNames(type).Select(name => JsonValue.Create(name))];
        return schema;
    }
}
