using Microsoft.AspNetCore.Http.Timeouts;

namespace DineHub.Api.Http;

/// <summary>An answer that is sent as it comes, and has neither an end nor a length beforehand.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class StreamedAttribute : Attribute;

internal static class StreamedExtensions
{
    /// <summary>Sends the answers as they come: no buffer, no deadline.</summary>
    public static TBuilder Streamed<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new StreamedAttribute(), new DisableRequestTimeoutAttribute());
}
