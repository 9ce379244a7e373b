using System.Diagnostics;
using DineHub.Gateway.Requests;
using DineHub.Gateway.Retries;
using DineHub.Topology.Ingress;
using Microsoft.Net.Http.Headers;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace DineHub.Gateway.Proxying;

/// <summary>What backends are told of a request, and what clients are not told of an answer.</summary>
internal static class HeaderTransforms
{
    private const string TraceParent = "traceparent";
    private const string TraceState = "tracestate";

    public static void Add(TransformBuilderContext context)
    {
        context.UseDefaultForwarders = false;

        // YARP replaces the client's host after all other transforms, unless it is told to keep it.
        context.AddOriginalHost();
        context.AddRequestTransform(Complete);

        // nginx passes none on, and no backend of ours has any.
        context.CopyResponseTrailers = false;
        var stopping = context.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        context.AddResponseTransform(answer => ScreenAsync(answer, stopping));
    }

    private static ValueTask Complete(RequestTransformContext context)
    {
        var http = context.HttpContext;

        // The HTTP client repeats requests without content by itself, of any method, when a kept connection turns out to be closed. YARP
        // refuses content of ours (2.3), and adds empty content of its own for a header that belongs to it.
        if (context.ProxyRequest.Content is null)
        {
            RequestTransform.AddHeader(context, HeaderNames.ContentLength, "0");
        }

        var headers = context.ProxyRequest.Headers;
        headers.Host = http.Request.Host.Host.ToLowerInvariant();

        // Met already: the body is here. The HTTP client would wait for the backend to ask for it.
        headers.Remove("Expect");
        Set("X-Forwarded-For", ClientAddress.Of(http).ToString());
        Set("X-Forwarded-Proto", http.Request.Scheme);
        Set("X-Forwarded-Host", http.Request.Host.Value);
        Set(IngressHeaders.RequestId, http.TraceIdentifier);

        // With an activity, the HTTP client names it as the parent.
        if (Activity.Current is null && !ActivityContext.TryParse(http.Request.Headers.TraceParent, null, out _))
        {
            headers.Remove(TraceState);
            Set(TraceParent, $"00-{http.TraceIdentifier}-{http.TraceIdentifier.AsSpan(0, 16)}-01");
        }

        return ValueTask.CompletedTask;

        void Set(string name, string? value)
        {
            headers.Remove(name);
            headers.TryAddWithoutValidation(name, value);
        }
    }

    private static async ValueTask ScreenAsync(ResponseTransformContext context, CancellationToken stopping)
    {
        if (context.ProxyResponse is not { } answer)
        {
            return;
        }

        if (context.HttpContext.Features.Get<RetryAttempt>()?.TryDrop(answer) is true)
        {
            context.SuppressResponseBody = true;
            return;
        }

        var headers = context.HttpContext.Response.Headers;
        foreach (var name in IngressHeaders.BackendOnly)
        {
            headers.Remove(name);
        }

        headers.Remove("Trailer");
        if (ResponseHeaders.IsEventStream(context.HttpContext.Response))
        {
            // Streams have no end to wait for: their readers reconnect, to another gateway, after the API's `retry` interval.
            answer.Content = new StreamContent(new EndingStream(await answer.Content.ReadAsStreamAsync(context.CancellationToken), stopping));

            // YARP sends the head with the first piece of the body; who opens a stream wants to know before there is one.
            await context.HttpContext.Response.Body.FlushAsync(context.CancellationToken);
        }
    }
}
