using System.Buffers;
using DineHub.Topology.Ingress;
using Microsoft.AspNetCore.Http.Features;

namespace DineHub.Gateway.Requests;

/// <summary>Rejects ambiguous requests (smuggling) and strips headers that backends must not trust.</summary>
internal static class RequestGuard
{
    // Kestrel's name for a Content-Length that came together with Transfer-Encoding, which it then ignores.
    private const string IgnoredLength = "X-Content-Length";

    // As nginx reads them: Kestrel takes every token (RFC 9110, section 5.6.2), and the HTTP client writes "get" as GET.
    private static readonly SearchValues<char> MethodLetters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZ-_");
    private static readonly SearchValues<char> NameLetters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");
    private static readonly HashSet<string> Once = new(IngressHeaders.Once, StringComparer.OrdinalIgnoreCase);

    /// <summary>Refuses requests for no host, or for what is none: the HTTP client would not send it, and the backend be blamed.</summary>
    public static Task RequireHostAsync(HttpContext http, RequestDelegate next)
    {
        if (RequestTarget.IsHost(http.Request.Host.Value))
        {
            return next(http);
        }

        RefuseAndClose(http);
        return Task.CompletedTask;
    }

    public static Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        var request = http.Request;
        if (HttpMethods.IsTrace(request.Method) || HttpMethods.IsConnect(request.Method))
        {
            http.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return Task.CompletedTask;
        }

        if (request.Method.AsSpan().ContainsAnyExcept(MethodLetters) || RequestTarget.IsAmbiguous(http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget))
        {
            RefuseAndClose(http);
            return Task.CompletedTask;
        }

        // Stricter than Kestrel: two lengths, transfer codings that neither gateway nor backend decodes, and chunks in HTTP/1.0, which has none.
        if (request.Headers.TransferEncoding is { Count: > 0 } coding
            && (coding is not [{ } only] || !only.Equals("chunked", StringComparison.OrdinalIgnoreCase)
                || request.Headers.ContainsKey(IgnoredLength) || HttpProtocol.IsHttp10(request.Protocol)))
        {
            RefuseAndClose(http);
            return Task.CompletedTask;
        }

        if (TryClean(request.Headers))
        {
            return next(http);
        }

        RefuseAndClose(http);
        return Task.CompletedTask;
    }

    /// <summary>Rejects an ambiguous request and closes: another reader may take the bytes after it for a request, or for none.</summary>
    public static void RefuseAndClose(HttpContext http)
    {
        http.Response.Headers.Connection = "close";
        http.Response.StatusCode = StatusCodes.Status400BadRequest;
    }

    // Not where a field stands twice that may stand once.
    private static bool TryClean(IHeaderDictionary headers)
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

        // Servers that turn names into variables cannot tell "_" or "." from "-" (as nginx drops them, unless told otherwise).
        List<string>? odd = null;
        foreach (var (name, values) in headers)
        {
            if (values.Count > 1 && Once.Contains(name))
            {
                return false;
            }

            if (name.AsSpan().ContainsAnyExcept(NameLetters))
            {
                (odd ??= []).Add(name);
            }
        }

        foreach (var name in odd ?? [])
        {
            headers.Remove(name);
        }

        return true;
    }

    private static void RemoveNominated(IHeaderDictionary headers)
    {
        // Where "close" or "keep-alive" stands among them, Kestrel leaves nothing else of the field.
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
