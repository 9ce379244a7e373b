using DineHub.Ingress;
using Microsoft.AspNetCore.Http.Features;

namespace DineHub.Gateway.Requests;

/// <summary>Refuses requests that two servers may read in two ways, and takes from the others what is not for backends.</summary>
internal static class RequestGuard
{
    // Kestrel's name for a Content-Length that came together with Transfer-Encoding, which it then ignores.
    private const string IgnoredLength = "X-Content-Length";

    public static Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        var request = http.Request;
        if (HttpMethods.IsTrace(request.Method) || HttpMethods.IsConnect(request.Method))
        {
            return Refuse(http, StatusCodes.Status405MethodNotAllowed);
        }

        if (RequestTarget.IsAmbiguous(http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget))
        {
            return Refuse(http, StatusCodes.Status400BadRequest);
        }

        if (request.Headers.TransferEncoding.Count > 0 && request.Headers.ContainsKey(IgnoredLength))
        {
            // What follows may be meant as another request by whoever counted otherwise.
            http.Response.Headers.Connection = "close";
            return Refuse(http, StatusCodes.Status400BadRequest);
        }

        Clean(request.Headers);
        return next(http);
    }

    private static Task Refuse(HttpContext http, int status)
    {
        http.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    private static void Clean(IHeaderDictionary headers)
    {
        RemoveNominated(headers);
        foreach (var name in IngressHeaders.Distrusted)
        {
            headers.Remove(name);
        }

        foreach (var name in IngressHeaders.HopByHop)
        {
            headers.Remove(name);
        }

        // Servers that turn names into variables cannot tell "_" from "-" (as nginx drops them, unless told otherwise).
        List<string>? odd = null;
        foreach (var (name, _) in headers)
        {
            if (name.Contains('_', StringComparison.Ordinal))
            {
                (odd ??= []).Add(name);
            }
        }

        foreach (var name in odd ?? [])
        {
            headers.Remove(name);
        }
    }

    private static void RemoveNominated(IHeaderDictionary headers)
    {
        foreach (var name in headers.GetCommaSeparatedValues("Connection"))
        {
            // Not what says how long the body is, or who asks: a client could hide it from the backend that way.
            if (!name.Equals("close", StringComparison.OrdinalIgnoreCase) && !name.Equals("keep-alive", StringComparison.OrdinalIgnoreCase)
                && !EndToEnd.Contains(name))
            {
                headers.Remove(name);
            }
        }
    }

    private static readonly HashSet<string> EndToEnd = new(StringComparer.OrdinalIgnoreCase)
    {
        "Host", "Content-Length", "Transfer-Encoding", "Content-Type", "Authorization", IngressHeaders.IdempotencyKey,
    };
}
