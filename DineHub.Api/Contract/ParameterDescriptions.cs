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
        ["limit"] = "How many to list at most.",
        ["cursor"] = "The nextCursor of the page before; the first page unless given.",
        ["text"] = "What stands in the name, description, city or cuisines, whatever the case.",
        ["cuisine"] = "A cuisine, whatever the case.",
        ["near"] = "A point, \"latitude,longitude\" in degrees: orders by the distance from it.",
        ["radius"] = "How far from near at most, in metres, as the crow flies.",
        ["openNow"] = "Whether to list only what is open.",
        ["acceptingOrders"] = "Whether to list only what takes orders.",
        ["date"] = "A day in the restaurant's time zone.",
        ["from"] = "The first day, in the restaurant's time zone.",
        ["to"] = "The last day, in the restaurant's time zone.",
        ["status"] = "A stage; several are alternatives.",
        ["token"] = "The order's trackingToken, for clients that can set no headers.",
        ["expires"] = "As the uploadUrl has it.",
        ["length"] = "As the uploadUrl has it.",
        ["signature"] = "As the uploadUrl has it.",
        [IdempotencyKey] = "A value that is unique for each order, such as a UUID: 1 to 255 visible ASCII characters without spaces. The same key with the same body is the same order.",
        [TrackingToken] = "The order's trackingToken, from the answer to placing it.",
        ["Last-Event-ID"] = "The id of the last event that was seen: what has changed since comes first.",
    };

    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        foreach (var parameter in (operation.Parameters ?? []).OfType<OpenApiParameter>())
        {
            parameter.Description = Descriptions.GetValueOrDefault(parameter.Name!);

            // The handler takes its absence, to say more than "could not be bound".
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
            Add(operation, "If-Match", required, $"The ETag of what is to be changed{(required ? ", or *" : "; at whichever version unless given")}.");
        }

        if (responses.ContainsKey("304"))
        {
            Add(operation, "If-None-Match", required: false, "The ETag of a copy: the answer is 304 where that is still good.");
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
