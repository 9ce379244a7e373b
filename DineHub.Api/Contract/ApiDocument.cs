namespace DineHub.Api.Contract;

/// <summary>The contract: OpenAPI 3.1, from the endpoints.</summary>
internal static class ApiDocument
{
    public static IServiceCollection AddApiDocument(this IServiceCollection services) => services.AddOpenApi(openApi => openApi.AddDocumentTransformer((document, _, _) =>
    {
        document.Info.Title = "DineHub";
        document.Info.Version = "v1";

        // The addresses are relative to wherever the document was read: a replica's own address is nobody's business.
        document.Servers?.Clear();
        return Task.CompletedTask;
    }));
}
