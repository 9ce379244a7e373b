using DineHub.Gateway.Proxying;
using DineHub.Topology.Ingress;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;

namespace DineHub.Gateway.Requests;

/// <summary>
/// Refuses bodies that are too long before they are read, and reads the others whole before a backend hears of them, as nginx does
/// (proxy_request_buffering): slow clients keep no backend busy, and a further try has the body again.
/// </summary>
/// <param name="policy">What is too long.</param>
internal sealed class RequestBodies(IngressPolicy policy)
{
    // What is longer waits in a temporary file.
    private const int KeptInMemory = 32 * 1024;

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        var request = context.Request;
        if (request.ContentLength > policy.MaxBodyBytes)
        {
            // A connection that is reset while the client still sends would take the answer with it. With the limit off, Kestrel reads
            // and drops the rest for up to 5 seconds, as nginx does (lingering_close).
            if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            {
                limit.MaxRequestBodySize = null;
            }

            context.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
            return;
        }

        if (IngressRoutes.Of(context) is not null && context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true } && request.ContentLength != 0)
        {
            request.EnableBuffering(KeptInMemory);
            try
            {
                await request.Body.DrainAsync(context.RequestAborted);
            }
            catch (IOException e) when (e is not BadHttpRequestException && !context.RequestAborted.IsCancellationRequested)
            {
                // The chunk size overflows (Kestrel reports an IOException). The bytes after the chunk are no request.
                RequestGuard.RefuseAndClose(context);
                return;
            }

            request.Headers.TransferEncoding = default;
            request.ContentLength = request.Body.Length;
            request.Body.Position = 0;
        }

        await next(context);
    }
}
