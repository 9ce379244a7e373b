using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace DineHub.Tests.Cluster;

/// <summary>Images by way of the gateways, to the folder that all replicas share.</summary>
[Collection(ClusterCollection.Name)]
public sealed class ImageTests(ClusterFixture fixture)
{
    // No other test needs its menu.
    private const string Smokehouse = "peachtree-smokehouse";

    // One red pixel.
    private static readonly byte[] Png = Convert.FromBase64String(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC");

    private string MenuPath => $"/api/v1/restaurants/{fixture.IdOf(Smokehouse)}/menu";

    [Fact]
    public async Task An_image_that_is_uploaded_in_one_region_is_read_in_the_other_and_goes_on_the_menu()
    {
        var upload = await AskAsync(fixture.Eu);
        var imageUrl = upload.GetProperty("imageUrl").GetString()!;
        using (var uploaded = await UploadAsync(fixture.Eu, upload, Png))
        {
            uploaded.StatusCode.ShouldBe(HttpStatusCode.Created);
        }

        using (var read = await fixture.Us.GetAsync(imageUrl))
        {
            read.StatusCode.ShouldBe(HttpStatusCode.OK);
            read.Headers.GetValues("X-DineHub-Region").ShouldBe(["us-east-1"]);
            read.Content.Headers.ContentType!.MediaType.ShouldBe("image/png");
            (await read.Content.ReadAsByteArrayAsync()).ShouldBe(Png);
        }

        using var original = await fixture.Us.GetAsync(MenuPath);
        var before = await ReadAsync(original);
        using var changed = await ReplaceMenuAsync(WithImage(before, imageUrl), ETag(original));
        changed.StatusCode.ShouldBe(HttpStatusCode.OK, await changed.Content.ReadAsStringAsync());
        ImageOf(await ReadAsync(changed)).ShouldBe(imageUrl);

        // Another replica may keep the menu before for a moment.
        await Eventually.TrueAsync(
            async () => ImageOf(JsonNode.Parse(await fixture.Eu.GetStringAsync(MenuPath))!) == imageUrl, "the image is on the menu in the other region");

        using var restored = await ReplaceMenuAsync(before, ETag(changed));
        restored.StatusCode.ShouldBe(HttpStatusCode.OK);
        JsonNode.DeepEquals((await ReadAsync(restored))["categories"], before["categories"]).ShouldBeTrue();
    }

    [Fact]
    public async Task An_upload_that_is_repeated_through_another_gateway_is_created_again_and_another_image_is_refused()
    {
        var upload = await AskAsync(fixture.Us);
        foreach (var gateway in new[] { fixture.Us, fixture.Eu })
        {
            using var uploaded = await UploadAsync(gateway, upload, Png);
            uploaded.StatusCode.ShouldBe(HttpStatusCode.Created);
        }

        using var refused = await UploadAsync(fixture.Eu, upload, [.. Png[..^1], (byte)(Png[^1] ^ 1)]);
        refused.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await fixture.Eu.GetByteArrayAsync(upload.GetProperty("imageUrl").GetString())).ShouldBe(Png);
    }

    [Theory]
    [InlineData("https://evil.example/api/v1/images/0198c0de-0000-7000-8000-00000000abcd/AAAAAAAAAAAAAAAAAAAA_-.png")]
    [InlineData("/api/v1/images/../restaurants")]
    [InlineData("javascript:alert(1)")]
    [InlineData("")]
    public async Task A_menu_with_a_foreign_image_is_refused_and_the_field_named(string imageUrl)
    {
        using var original = await fixture.Us.GetAsync(MenuPath);
        var before = await MenuVersionAsync();
        using var refused = await ReplaceMenuAsync(WithImage(await ReadAsync(original), imageUrl), ETag(original));
        refused.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        var problem = await refused.Content.ReadFromJsonAsync<JsonElement>();
        problem.GetProperty("errors").EnumerateObject().Select(error => error.Name).ShouldBe(["categories[0].items[0].imageUrl"]);
        (await MenuVersionAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task An_upload_URL_requires_the_key()
    {
        using var refused = await fixture.Eu.PostAsJsonAsync(MenuPath + "/images", new { contentType = "image/png", length = Png.Length });
        refused.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    private static async Task<HttpResponseMessage> UploadAsync(HttpClient client, JsonElement upload, byte[] image)
    {
        using var request = new HttpRequestMessage(new HttpMethod(upload.GetProperty("method").GetString()!), upload.GetProperty("uploadUrl").GetString())
        {
            Content = new ByteArrayContent(image),
        };
        foreach (var header in upload.GetProperty("headers").EnumerateObject())
        {
            request.Content.Headers.TryAddWithoutValidation(header.Name, header.Value.GetString()).ShouldBeTrue();
        }

        return await client.SendAsync(request);
    }

    private static async Task<JsonNode> ReadAsync(HttpResponseMessage response) => JsonNode.Parse(await response.Content.ReadAsStringAsync())!;

    private static string ETag(HttpResponseMessage response) => response.Headers.ETag!.Tag;

    private static string? ImageOf(JsonNode menu) => menu["categories"]![0]!["items"]![0]!["imageUrl"]?.GetValue<string>();

    private static JsonNode WithImage(JsonNode menu, string imageUrl)
    {
        var changed = menu.DeepClone();
        changed["categories"]![0]!["items"]![0]!["imageUrl"] = imageUrl;
        return changed;
    }

    private async Task<JsonElement> AskAsync(HttpClient client)
    {
        using var request = fixture.StaffRequest(HttpMethod.Post, MenuPath + "/images", new { contentType = "image/png", length = Png.Length });
        using var response = await client.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
        response.Headers.CacheControl!.NoStore.ShouldBeTrue();
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    private async Task<HttpResponseMessage> ReplaceMenuAsync(JsonNode menu, string etag)
    {
        using var request = fixture.StaffRequest(HttpMethod.Put, MenuPath, new { categories = menu["categories"] });
        request.Headers.Add("If-Match", etag);
        return await fixture.Us.SendAsync(request);
    }

    private async Task<int> MenuVersionAsync()
    {
        await using var dataSource = Npgsql.NpgsqlDataSource.Create(fixture.Cluster.ApiConnectionString);
        await using var command = dataSource.CreateCommand("SELECT version FROM menus WHERE restaurant_id = $1");
        command.Parameters.AddWithValue(fixture.IdOf(Smokehouse));
        return (int)(await command.ExecuteScalarAsync())!;
    }
}
