using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using DineHub.Api.Http.Errors;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace DineHub.Api.Http;

/// <summary>
/// Entity tags (RFC 9110, section 8.8.3) of what has a version: <c>"7"</c>, or <c>"7-…"</c> where the answer depends on more than the version.
/// </summary>
internal static class ETags
{
    private const string Rule = "must be one ETag of an earlier answer, such as \"1\", or *";

    /// <summary>Sets the answer's ETag to a version.</summary>
    public static void SetETag(this HttpContext http, int version) =>
        http.Response.GetTypedHeaders().ETag = new EntityTagHeaderValue($"\"{version.ToString(CultureInfo.InvariantCulture)}\"");

    /// <summary>Reads If-Match where it is required: the version, or null for "*".</summary>
    public static bool TryReadIfMatch(this HttpContext http, out int? version, [NotNullWhen(false)] out ProblemHttpResult? problem)
    {
        version = null;
        problem = null;
        if (http.Request.Headers.IfMatch.Count == 0)
        {
            problem = Problems.VersionRequired();
            return false;
        }

        if (!TryRead(http, out version))
        {
            problem = TypedResults.Problem(
                title: "The request is not valid.",
                statusCode: StatusCodes.Status400BadRequest,
                extensions: new Dictionary<string, object?> { ["errors"] = new Dictionary<string, string[]> { ["If-Match"] = [Rule] } });
            return false;
        }

        return true;
    }

    /// <summary>Reads If-Match where it may be absent: the version, or null for absent and for "*".</summary>
    public static int? ReadIfMatch(this HttpContext http, FieldErrors errors)
    {
        int? version = null;
        if (http.Request.Headers.IfMatch.Count > 0 && !TryRead(http, out version))
        {
            errors.Add("If-Match", Rule);
        }

        return version;
    }

    private static bool TryRead(HttpContext http, out int? version)
    {
        version = null;
        if (http.Request.GetTypedHeaders().IfMatch is not [{ IsWeak: false } tag])
        {
            return false;
        }

        if (tag.Equals(EntityTagHeaderValue.Any))
        {
            return true;
        }

        var text = tag.Tag.AsSpan().Trim('"');
        var end = text.IndexOf('-');
        var valid = int.TryParse(end < 0 ? text : text[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0;
        version = number;
        return valid;
    }
}
