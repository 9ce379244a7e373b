using System.Diagnostics;
using DineHub.ServiceDefaults;
using DineHub.Topology.Ingress;
using Microsoft.Extensions.Primitives;

namespace DineHub.Gateway;

/// <summary>The headers of every response, from a backend or from the gateway itself.</summary>
internal static class ResponseHeaders
{
    public const string NodeHeader = "X-DineHub-Gateway";

    /// <summary>Gives the request its identity, and its answer the security headers.</summary>
    public static Func<HttpContext, RequestDelegate, Task> Complete(WebApplication app)
    {
        KeyValuePair<string, StringValues>[] fixedFields =
        [
            .. IngressHeaders.Security.Select(pair => KeyValuePair.Create(pair.Key, new StringValues(pair.Value))),

            // The gateway's name is sent in development only.
            .. app.Environment.IsDevelopment()
                ? [KeyValuePair.Create(NodeHeader, new StringValues(app.Services.GetRequiredService<ServiceIdentity>().Node))]
                : Array.Empty<KeyValuePair<string, StringValues>>(),
        ];
        Task CompleteAsync(object state)
        {
            var http = (HttpContext)state;
            var headers = http.Response.Headers;
            foreach (var (name, value) in fixedFields)
            {
                headers[name] = value;
            }

            if (headers.ContentSecurityPolicy.Count == 0)
            {
                headers.ContentSecurityPolicy = IngressHeaders.ContentSecurityPolicy;
            }

            headers[IngressHeaders.RequestId] = http.TraceIdentifier;
            return Task.CompletedTask;
        }

        return (http, next) =>
        {
            http.TraceIdentifier = ActivityTraceId.CreateRandom().ToHexString();
            http.Response.OnStarting(CompleteAsync, http);
            return next(http);
        };
    }

    /// <summary>Gives the gateway's own problems the members, types and titles of the policy, also those that ASP.NET Core knows no type of.</summary>
    public static void NameProblems(ProblemDetailsOptions options, IngressPolicy policy)
    {
        var inner = options.CustomizeProblemDetails;
        options.CustomizeProblemDetails = context =>
        {
            inner?.Invoke(context);
            context.ProblemDetails.Extensions.Remove("errors");
            if (IngressProblem.All.FirstOrDefault(problem => problem.Status == context.ProblemDetails.Status) is { } known)
            {
                (context.ProblemDetails.Type, context.ProblemDetails.Title) = (known.Type, known.Title);
                if (known.Error(policy) is { } error)
                {
                    context.ProblemDetails.Extensions["errors"] = new Dictionary<string, string[]> { [error.Field] = [error.Rule] };
                }
            }

            // As nginx, which cannot put a path into JSON: the request's identity tells which occurrence it is.
            context.ProblemDetails.Instance = null;
            context.ProblemDetails.Extensions["requestId"] = context.HttpContext.TraceIdentifier;
        };
    }

    /// <summary>Whether an answer has no end to wait for.</summary>
    public static bool IsEventStream(HttpResponse response) => response.ContentType?.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase) is true;
}
