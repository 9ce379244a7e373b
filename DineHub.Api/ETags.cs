using System.Globalization;
using Microsoft.Net.Http.Headers;

namespace DineHub.Api;

/// <summary>Entity tags (RFC 9110, section 8.8.3) of what has a version.</summary>
internal static class ETags
{
    /// <summary>Sets the answer's ETag to a version, and returns it.</summary>
    public static EntityTagHeaderValue SetETag(this HttpContext http, int version)
    {
        var tag = new EntityTagHeaderValue($"\"{version.ToString(CultureInfo.InvariantCulture)}\"");
        http.Response.GetTypedHeaders().ETag = tag;
        return tag;
    }
}
