using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace DineHub.ServiceDefaults;

/// <summary>Turns requests that cannot be read into problem+json that names the field; everything unforeseen into a bare 500.</summary>
/// <param name="problems">Writes problem+json.</param>
/// <param name="logger">The log.</param>
internal sealed partial class RequestFaultHandler(IProblemDetailsService problems, ILogger<RequestFaultHandler> logger) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        switch (exception)
        {
            case BadHttpRequestException { InnerException: JsonException json } bad:
                return await WriteAsync(httpContext, bad.StatusCode, "The request body is not valid.", (Field(json), Rule(json)));
            case BadHttpRequestException bad:
                return await WriteAsync(httpContext, bad.StatusCode, Title(bad), BindingError(bad));
            case OperationCanceledException when httpContext.RequestAborted.IsCancellationRequested:
                httpContext.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
                return true;
            default:
                LogUnexpected(exception, httpContext.Request.Method, httpContext.Request.Path);
                return await WriteAsync(httpContext, StatusCodes.Status500InternalServerError, "Something unexpected happened.", error: null);
        }
    }

    // "$.lines[0].quantity" → "lines[0].quantity"; the document itself is "body".
    private static string Field(JsonException json) =>
        json.Path is { Length: > 2 } path && path.StartsWith("$.", StringComparison.Ordinal) ? path[2..] : "body";

    // The framework says which parameter it could not bind in its message only.
    private static (string Field, string Rule)? BindingError(BadHttpRequestException bad)
    {
        if (bad.StatusCode != StatusCodes.Status400BadRequest)
        {
            return null;
        }

        return ParameterPattern().Match(bad.Message) is { Success: true } match
            ? (match.Groups["name"].Value, "has a value of the wrong type, or one that is out of range")
            : bad.Message.Contains("body", StringComparison.Ordinal) ? ("body", "is required") : null;
    }

    // The serializer's own messages name .NET types, which are internal and no help to a client.
    private static string Rule(JsonException json) => json switch
    {
        { Message: var text } when text.Contains("Duplicate", StringComparison.OrdinalIgnoreCase) => "must not be repeated",
        { Message: var text } when MissingPattern().Match(text) is { Success: true } missing => $"must have {missing.Groups["names"].Value}",
        { InnerException: not null and not InvalidOperationException and not FormatException } =>
            $"is not valid JSON at line {json.LineNumber + 1}, byte {json.BytePositionInLine + 1}",
        _ => "has a value of the wrong type, or one that is out of range",
    };

    private static string Title(BadHttpRequestException bad) => bad.StatusCode switch
    {
        StatusCodes.Status413PayloadTooLarge => "The request body is too large.",
        StatusCodes.Status415UnsupportedMediaType => "The request body must be JSON (Content-Type: application/json).",
        StatusCodes.Status408RequestTimeout => "The request body did not arrive in time.",
        _ => "The request is not valid.",
    };

    private async Task<bool> WriteAsync(HttpContext http, int status, string title, (string Field, string Rule)? error)
    {
        http.Response.StatusCode = status;
        var context = new ProblemDetailsContext { HttpContext = http, ProblemDetails = { Status = status, Title = title } };
        if (error is { } named)
        {
            context.ProblemDetails.Extensions["errors"] = new Dictionary<string, string[]> { [named.Field] = [named.Rule] };
        }

        return await problems.TryWriteAsync(context);
    }

    [GeneratedRegex("""missing required properties including: (?<names>'.+?')\.""", RegexOptions.ExplicitCapture)]
    private static partial Regex MissingPattern();

    [GeneratedRegex("""^Failed to bind parameter "[^"]*?(?<name>\w+)" from""", RegexOptions.ExplicitCapture)]
    private static partial Regex ParameterPattern();

    [LoggerMessage(1, LogLevel.Error, "{Method} {Path} failed unexpectedly")]
    private partial void LogUnexpected(Exception exception, string method, string path);
}
