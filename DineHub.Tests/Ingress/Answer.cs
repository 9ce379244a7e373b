using System.Text;
using System.Text.Json;
using DineHub.Topology.Ingress;

namespace DineHub.Tests.Ingress;

/// <summary>A whole answer, as a client has received it.</summary>
internal sealed record Answer(int Status, Version Version, ILookup<string, string> Fields, byte[] Body)
{
    public string Text => Encoding.UTF8.GetString(Body);

    /// <summary>The backend that has answered; null where the ingress itself has.</summary>
    public string? Backend => this[BackendScripts.BackendField];

    /// <summary>The value of a field; null where it is absent. Two of one name are a failure.</summary>
    public string? this[string name] => Fields[name].SingleOrDefault();

    public static async Task<Answer> ReadAsync(HttpResponseMessage response) => new(
        (int)response.StatusCode,
        response.Version,
        response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated)
            .SelectMany(field => field.Value, (field, value) => (field.Key, Value: value))
            .ToLookup(field => field.Key, field => field.Value, StringComparer.OrdinalIgnoreCase),
        await response.Content.ReadAsByteArrayAsync());

    /// <summary>Whether the ingress itself has answered, with the problem of that status.</summary>
    public void ShouldBeProblem(int status)
    {
        Status.ShouldBe(status, Text);
        Backend.ShouldBeNull();
        var problem = IngressProblem.All.Single(one => one.Status == status);
        this["Content-Type"].ShouldNotBeNull().Split(';')[0].ShouldBe(IngressProblem.ContentType);
        using var json = JsonDocument.Parse(Body);
        json.RootElement.GetProperty("status").GetInt32().ShouldBe(status);
        json.RootElement.GetProperty("type").GetString().ShouldBe(problem.Type);
        json.RootElement.GetProperty("title").GetString().ShouldBe(problem.Title);
        json.RootElement.EnumerateObject().Select(member => member.Name)
            .ShouldBe(["type", "title", "status", "requestId", "traceId", .. status == 413 ? ["errors"] : Array.Empty<string>()], ignoreOrder: true);
        if (status == 413)
        {
            json.RootElement.GetProperty("errors").GetProperty("body")[0].GetString()!.ShouldMatch("^must be at most [0-9]+ bytes$");
        }

        if (status is 502 or 503 or 504)
        {
            this["Retry-After"].ShouldNotBeNull();
        }
    }
}
