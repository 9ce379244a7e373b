using System.Globalization;
using DineHub.Api.Images;
using DineHub.Api.Orders;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace DineHub.Api.Contract;

/// <summary>An example in each body of a request and each answer, by its type.</summary>
internal sealed class BodyExamples : IOpenApiOperationTransformer
{
    public const string Json = "application/json";
    private const string EventStream = "text/event-stream";
    private const string Csv = "text/csv";
    private const string Upload = "UploadImage";
    private const string Image = "GetImage";

    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        if (operation.RequestBody?.Content?.TryGetValue(Json, out var request) is true)
        {
            request.Example = Examples.Of(context.Description.ParameterDescriptions.Single(parameter => parameter.Source == BindingSource.Body).Type);
        }
        else if (operation.OperationId == Upload)
        {
            // Read from the request by the handler, so the framework knows nothing of it.
            operation.RequestBody = new OpenApiRequestBody { Required = true, Description = "The image.", Content = Images() };
        }

        foreach (var supported in context.Description.SupportedResponseTypes.Where(response => response.StatusCode is >= 200 and < 300))
        {
            var response = (OpenApiResponse)operation.Responses![supported.StatusCode.ToString(CultureInfo.InvariantCulture)];
            if (operation.OperationId == Image)
            {
                response.Content = Images();
            }

            foreach (var (contentType, content) in response.Content ?? new Dictionary<string, OpenApiMediaType>())
            {
                content.Example = contentType switch
                {
                    Json => Examples.Of(supported.Type!),
                    EventStream => $"event: order\ndata: {Examples.Of(typeof(Order))!.ToJsonString(ApiJson.Default.Options)}\nid: 1\nretry: 1000\n\n",
                    Csv => Examples.OrdersCsv,
                    _ => null,
                };
            }
        }

        return Task.CompletedTask;
    }

    private static Dictionary<string, OpenApiMediaType> Images() => ImageFormat.All.ToDictionary(
        format => format.ContentType,
        _ => new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } });
}
