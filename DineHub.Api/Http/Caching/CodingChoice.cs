using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.Extensions.Options;

namespace DineHub.Api.Http.Caching;

/// <summary>
/// Chooses the content coding (RFC 9110, section 12.5.3) as the framework does, less what a client refuses: its choice for "br;q=0, *" is br.
/// </summary>
/// <param name="services">Makes the codings.</param>
/// <param name="options">The codings, the preferred one first.</param>
internal sealed class CodingChoice(IServiceProvider services, IOptions<ResponseCompressionOptions> options) : ResponseCompressionProvider(services, options)
{
    public override ICompressionProvider? GetCompressionProvider(HttpContext context) =>
        base.GetCompressionProvider(context) is { } coding && !Refuses(context.Request, coding.EncodingName) ? coding : null;

    private static bool Refuses(HttpRequest request, string coding) =>
        request.GetTypedHeaders().AcceptEncoding.Any(accepted => accepted.Quality == 0 && accepted.Value.Equals(coding, StringComparison.OrdinalIgnoreCase));
}
