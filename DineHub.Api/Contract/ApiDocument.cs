using Microsoft.OpenApi;

namespace DineHub.Api.Contract;

/// <summary>The contract: OpenAPI 3.1, from the endpoints. docs/openapi.json is what clients were promised; a test compares the two.</summary>
internal static class ApiDocument
{
    private const string Description = """
        Restaurants, their menus, and orders.

        - Amounts are integers in minor units of the restaurant's currency: 1200 in EUR is 12.00 €.
        - Times are UTC; what is meant in a restaurant's own time has its IANA time zone beside it.
        - What is not there is left out: no member of an answer is null, and null in a request is the same as nothing.
        - Every error is `application/problem+json` (RFC 9457). `errors` names each field with the rules that it breaks; `reason` is for machines, and new
          ones may come. docs/problems.md says what to do about each.
        - An order is placed once for each `Idempotency-Key`. After 502, 503, 504 or a broken connection send the same request again, with the same key.
        - What changes has a version, which is its `ETag`. `If-Match` changes it only at that version.
        """;

    private static readonly Dictionary<string, string> Tags = new()
    {
        ["Restaurants"] = "The directory, and the restaurants' profiles.",
        ["Menus"] = "Menus, and what has run out.",
        ["Images"] = "Images of menus.",
        ["Orders"] = "Quotes, placing orders, following them, moving them through the kitchen.",
        ["Kitchens"] = "A kitchen's queue, pause and load.",
        ["Reports"] = "What was sold, and how long it took.",
        ["Staff"] = "Who works in a restaurant.",
        ["Accounts"] = "Registering, signing in, and one's own account.",
        ["Operations"] = "Whom operators trust.",
    };

    public static IServiceCollection AddApiDocument(this IServiceCollection services) => services.AddOpenApi(openApi =>
    {
        openApi.AddSchemaTransformer<EnumSchemas>();
        openApi.AddOperationTransformer<AccessDescription>();
        openApi.AddOperationTransformer<ParameterDescriptions>();
        openApi.AddOperationTransformer<BodyExamples>();
        openApi.AddOperationTransformer<ProblemResponses>();
        openApi.AddOperationTransformer<ResponseHeaders>();
        openApi.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "DineHub",
                Version = "v1",
                Description = Description.ReplaceLineEndings("\n"),
                License = new OpenApiLicense { Name = "MIT", Identifier = "MIT" },
            };

            // The addresses are relative to wherever the document was read: a replica's own address is nobody's business.
            document.Servers?.Clear();
            foreach (var tag in document.Tags ?? new HashSet<OpenApiTag>())
            {
                tag.Description = Tags.GetValueOrDefault(tag.Name!);
            }

            AccessDescription.AddTo(document);
            ResponseHeaders.AddTo(document);
            ProblemResponses.AddTo(document);
            return Task.CompletedTask;
        });
        openApi.AddDocumentTransformer<AbsentMembers>();
    });
}
