using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using DineHub.Api;

namespace DineHub.Tests.Contract;

/// <summary>One operation of the contract.</summary>
/// <param name="Method">The method, in capitals.</param>
/// <param name="Path">The path's template.</param>
/// <param name="Json">The operation object.</param>
internal sealed record Operation(string Method, string Path, JsonObject Json)
{
    public string Id => (string?)Json["operationId"] ?? "";

    /// <summary>Whether it needs a bearer token: guests' operations have none, or one beside nothing.</summary>
    public bool NeedsToken => Json["security"] is JsonArray { Count: 1 };

    public override string ToString() => $"{Method} {Path}";
}

/// <summary>The contract as the API serves it, without a database.</summary>
public sealed class ContractDocument : IAsyncLifetime
{
    public const string Collection = "Contract";

    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public string Text { get; private set; } = "";

    internal JsonObject Root { get; private set; } = [];

    internal IEnumerable<Operation> Operations =>
        from path in Root["paths"]!.AsObject()
        from operation in path.Value!.AsObject()
        select new Operation(operation.Key.ToUpperInvariant(), path.Key, operation.Value!.AsObject());

    /// <summary>A file of the source tree.</summary>
    public static string FileOf(params string[] path)
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "DineHub.sln")))
        {
            directory = directory.Parent ?? throw new DirectoryNotFoundException("The tests do not run in the source tree.");
        }

        return Path.Combine([directory.FullName, .. path]);
    }

    public async Task InitializeAsync()
    {
        await using var app = ApiApplication.Build(
        [
            "--urls=http://127.0.0.1:0",
            "--ConnectionStrings:dinehub=Host=127.0.0.1;Port=1;Database=dinehub",
            $"--DataProtection:Key={Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))}",
            "--Logging:LogLevel:Default=None",
            "--Logging:LogLevel:Microsoft.AspNetCore=None",
        ]);
        await app.StartAsync();
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        Root = JsonNode.Parse(await client.GetStringAsync(new Uri($"{app.Urls.Single()}/openapi/v1.json")))!.AsObject();
        Text = Root.ToJsonString(Indented) + "\n";
        await app.StopAsync().OrFailAsync("the API has stopped");
    }

    public Task DisposeAsync() => Task.CompletedTask;

    /// <summary>What a reference stands for; itself where it is none.</summary>
    internal JsonObject Resolve(JsonNode node)
    {
        var json = node.AsObject();
        while ((string?)json["$ref"] is { } reference)
        {
            json = reference.Split('/').Skip(1).Aggregate((JsonNode)Root, (parent, name) => parent[name]!).AsObject();
        }

        return json;
    }

    /// <summary>The type of the API that a schema is of.</summary>
    internal static Type TypeOf(JsonNode schema)
    {
        var name = ((string)schema["$ref"]!).Split('/')[^1];
        return ApiJson.Default.GetType().Assembly.GetTypes()
            .Append(typeof(Microsoft.AspNetCore.Authentication.BearerToken.AccessTokenResponse))
            .Single(type => type.Name == name && ApiJson.Default.GetTypeInfo(type) is not null);
    }
}

[CollectionDefinition(ContractDocument.Collection)]
public sealed class ContractCollection : ICollectionFixture<ContractDocument>;
