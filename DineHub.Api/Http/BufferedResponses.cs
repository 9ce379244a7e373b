namespace DineHub.Api.Http;

/// <summary>
/// Sends each answer in one piece, with its length: a replica that dies has sent all of it or nothing, and nothing can be tried
/// on another replica. (Chunked, the last few bytes go out by themselves, and an answer without them is a failed request.)
/// </summary>
internal static class BufferedResponses
{
    public static WebApplication UseBufferedResponses(this WebApplication app)
    {
        app.Use(async (http, next) =>
        {
            if (http.GetEndpoint()?.Metadata.GetMetadata<StreamedAttribute>() is not null)
            {
                await next(http);
                return;
            }

            var connection = http.Response.Body;
            using var answer = new MemoryStream();
            http.Response.Body = answer;
            try
            {
                await next(http);
                await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
            }
            finally
            {
                http.Response.Body = connection;
            }

            if (answer.Length > 0)
            {
                http.Response.ContentLength = answer.Length;
                await connection.WriteAsync(answer.GetBuffer().AsMemory(0, (int)answer.Length), http.RequestAborted);
            }
        });
        return app;
    }
}
