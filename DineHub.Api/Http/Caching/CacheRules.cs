namespace DineHub.Api.Http.Caching;

/// <summary>What caches may do with the answers of an endpoint.</summary>
/// <param name="CacheControl">The field value of Cache-Control.</param>
internal sealed record CacheRule(string CacheControl)
{
    /// <summary>
    /// Anybody may keep it, and asks each time whether it is still good: what is sold out, or closed, is seen at once. Public, because
    /// callers who are signed in read the same as others.
    /// </summary>
    public static CacheRule Revalidate { get; } = new("public, no-cache");
}

/// <summary>Every answer says what caches may do with it (RFC 9111, section 5.2): what no rule is for is kept nowhere.</summary>
internal static class CacheRules
{
    private const string KeptNowhere = "no-store";

    public static WebApplication UseCacheRules(this WebApplication app)
    {
        app.Use((http, next) =>
        {
            http.Response.OnStarting(Complete, http);
            return next(http);
        });
        return app;
    }

    public static TBuilder WithCacheRule<TBuilder>(this TBuilder endpoint, CacheRule rule)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(rule);

    private static Task Complete(object state)
    {
        var http = (HttpContext)state;
        if (http.Response.Headers.CacheControl.Count == 0)
        {
            // A refusal is of the moment.
            var rule = http.Response.StatusCode < StatusCodes.Status400BadRequest ? http.GetEndpoint()?.Metadata.GetMetadata<CacheRule>() : null;
            http.Response.Headers.CacheControl = rule?.CacheControl ?? KeptNowhere;
        }

        return Task.CompletedTask;
    }
}
