using Microsoft.OpenApi;

namespace DineHub.Api.Contract;

/// <summary>The contract: OpenAPI 3.1, from the endpoints. docs/openapi.json is the published contract; a test compares the two.</summary>
internal static class ApiDocument
{
    private const string Description = """
        Restaurants, their menus, and orders.

        - Amounts are integers in minor units of the restaurant's currency: 1200 in EUR is 12.00 €.
        - Times are UTC; local times come with the restaurant's IANA time zone.
        - Absent values are omitted: no member of a response is null, and null in a request means absent.
        - Every error is `application/problem+json` (RFC 9457). `errors` names each field with the rules that it breaks; `reason` is machine-readable;
          new values may be added. docs/problems.md describes how to handle each.
        - An order is placed once for each `Idempotency-Key`. After 502, 503, 504 or a broken connection send the same request again, with the same key.
        - Mutable resources have a version, sent as the `ETag`. `If-Match` restricts a change to that version.
        """;

    private static readonly Dictionary<string, string> Tags = new()
    {
        ["Restaurants"] = "The directory, and the restaurants' profiles.",
        ["Menus"] = "Menus, availability and stock.",
        ["Images"] = "Images of menus.",
        ["Orders"] = "Quotes; placing, following and processing orders.",
        ["Kitchens"] = "A kitchen's queue, pause and load.",
        ["Reports"] = "Sales, best sellers and stage durations.",
        ["Staff"] = "Staff and invitations.",
        ["Accounts"] = "Registration, sign-in and the signed-in account.",
        ["Operations"] = "Operator rights.",
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

            // Addresses are relative to the document's own URL: a replica's address stays private.
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
