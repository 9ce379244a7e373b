using DineHub.Api.Orders;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace DineHub.Api.Contract;

/// <summary>Describes the parameters, and adds the headers that endpoints read although nothing is bound to them.</summary>
internal sealed class ParameterDescriptions : IOpenApiOperationTransformer
{
    public const string IdempotencyKey = "Idempotency-Key";
    public const string TrackingToken = "Tracking-Token";

    private static readonly Dictionary<string, string> Descriptions = new()
    {
        ["restaurantId"] = "The restaurant's id.",
        ["orderId"] = "The order's id.",
        ["email"] = "The account's address.",
        ["itemId"] = "The item's id, as on the menu.",
        ["optionId"] = "The option's id, as on the menu.",
        ["invitationId"] = "The invitation's id.",
        ["accountId"] = "The account's id.",
        ["name"] = "The image's name, as in its URL.",
        ["limit"] = "Maximum number of entries.",
        ["cursor"] = "The nextCursor of the previous page. Default: the first page.",
        ["text"] = "A text in the name, description, city or cuisines, case-insensitive.",
        ["cuisine"] = "A cuisine, case-insensitive.",
        ["near"] = "A point, \"latitude,longitude\" in degrees: sorts by the distance from it.",
        ["radius"] = "Maximum distance from near in metres, in a straight line.",
        ["openNow"] = "Whether to list only open restaurants.",
        ["acceptingOrders"] = "Whether to list only restaurants that accept orders.",
        ["date"] = "A day in the restaurant's time zone.",
        ["from"] = "The first day, in the restaurant's time zone.",
        ["to"] = "The last day, in the restaurant's time zone.",
        ["status"] = "One or several stages; an order matches any of them.",
        ["token"] = "The order's trackingToken, for clients that cannot set headers.",
        ["expires"] = "As in the uploadUrl.",
        ["length"] = "As in the uploadUrl.",
        ["signature"] = "As in the uploadUrl.",
        [IdempotencyKey] = "A value that is unique for each order, such as a UUID: 1 to 255 visible ASCII characters without spaces. The same key with the same body refers to the same order.",
        [TrackingToken] = "The order's trackingToken, from the response to its placement.",
        ["Last-Event-ID"] = "The id of the last received event: later changes are sent first.",
    };

    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        foreach (var parameter in (operation.Parameters ?? []).OfType<OpenApiParameter>())
        {
            parameter.Description = Descriptions.GetValueOrDefault(parameter.Name!);

            // The handler accepts its absence, for a better message than "could not be bound".
            parameter.Required |= parameter.Name == IdempotencyKey;
            if (parameter is { Name: "status", Schema: OpenApiSchema statuses })
            {
                statuses.Items = new OpenApiSchemaReference(nameof(OrderStatus), context.Document);
            }
        }

        var responses = operation.Responses!;
        if (responses.ContainsKey("412"))
        {
            var required = responses.ContainsKey("428");
            Add(operation, "If-Match", required, $"The ETag of the resource to change{(required ? ", or *" : "; at whichever version unless given")}.");
        }

        if (responses.ContainsKey("304"))
        {
            Add(operation, "If-None-Match", required: false, "The ETag of a cached copy: 304 if the copy is still current.");
        }

        return Task.CompletedTask;
    }

    private static void Add(OpenApiOperation operation, string header, bool required, string description) => (operation.Parameters ??= []).Add(new OpenApiParameter
    {
        Name = header,
        In = ParameterLocation.Header,
        Required = required,
        Description = description,
        Schema = new OpenApiSchema { Type = JsonSchemaType.String },
    });
}
