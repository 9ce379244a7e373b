using System.IO.Compression;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.Net.Http.Headers;

namespace DineHub.Api.Http.Caching;

/// <summary>Marks an endpoint whose response is compressed for clients that accept a coding.</summary>
internal sealed record CompressedMetadata;

/// <summary>
/// Compresses the answers of the endpoints that ask for it, and no others: the length of a compressed answer tells what a secret in it has in
/// common with what an attacker puts beside it (BREACH, CVE-2013-3587). So it is only for what anybody may read.
/// </summary>
internal static class CompressedResponses
{
    public static IServiceCollection AddCompressedResponses(this IServiceCollection services)
    {
        services.AddSingleton<IResponseCompressionProvider, CodingChoice>();
        services.Configure<GzipCompressionProviderOptions>(gzip => gzip.Level = CompressionLevel.Optimal);
        return services.AddResponseCompression(compression =>
        {
            // Clients come by HTTPS, as the ingress tells.
            compression.EnableForHttps = true;
            compression.Providers.Add<BrotliCoding>();
            compression.Providers.Add<GzipCompressionProvider>();
        });
    }

    public static WebApplication UseCompressedResponses(this WebApplication app)
    {
        app.UseWhen(http => http.GetEndpoint()?.Metadata.GetMetadata<CompressedMetadata>() is not null, compressed =>
        {
            // The middleware says so only to those who sent Accept-Encoding: caches would give the plain answer to everybody.
            compressed.Use((http, next) =>
            {
                http.Response.Headers.Vary = HeaderNames.AcceptEncoding;
                return next(http);
            });
            compressed.UseResponseCompression();
        });
        return app;
    }

    public static TBuilder Compressed<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new CompressedMetadata());
}
