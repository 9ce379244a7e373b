using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace DineHub.Tests.Cluster;

/// <summary>How answers are compressed and what caches are told. Asked of a backend, which both kinds of ingress pass on as it is.</summary>
[Collection(ClusterCollection.Name)]
public sealed class RepresentationTests(ClusterFixture fixture) : IDisposable
{
    private const string Lucia = "trattoria-lucia";

    private readonly HttpClient backend = ClusterFixture.Client(fixture.Cluster.Backends[0].Url);

    private string Menu => $"/api/v1/restaurants/{fixture.IdOf(Lucia)}/menu";

    public void Dispose() => backend.Dispose();

    // RFC 9110, section 12.5.3.
    [Theory]
    [InlineData(null, null)]
    [InlineData("", null)]
    [InlineData("gzip", "gzip")]
    [InlineData("GZIP", "gzip")]
    [InlineData("gzip, deflate, br, zstd", "br")]
    [InlineData("br;q=0.5, gzip;q=1.0", "gzip")]
    [InlineData("br;q=0.2, gzip;q=0.1, identity", null)]
    [InlineData("br;q=0, gzip", "gzip")]
    [InlineData("gzip;q=0", null)]
    [InlineData("*", "br")]
    [InlineData("br;q=0, *", null)]
    [InlineData("*;q=0", null)]
    [InlineData("zstd, compress", null)]
    [InlineData("such nonsense;;q=", null)]
    public async Task A_menu_is_sent_in_the_coding_that_the_client_likes_best(string? accepted, string? coding)
    {
        using var plain = await GetAsync(Menu);
        using var response = await GetAsync(Menu, accepted);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentEncoding.ShouldBe(coding is null ? [] : [coding]);
        response.Headers.Vary.ShouldBe(["Accept-Encoding"]);
        response.Content.Headers.ContentType!.ToString().ShouldBe("application/json; charset=utf-8");
        (await DecodeAsync(response)).ShouldBe(await plain.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task A_compressed_menu_is_a_third_of_itself_or_less_and_says_how_long_it_is()
    {
        var plain = (await backend.GetByteArrayAsync(Menu)).Length;
        foreach (var coding in new[] { "br", "gzip" })
        {
            using var response = await GetAsync(Menu, coding);
            var length = (await response.Content.ReadAsByteArrayAsync()).Length;
            response.Content.Headers.ContentLength.ShouldBe(length);
            length.ShouldBeLessThan(plain / 3, coding);
        }
    }

    // RFC 9110, section 8.8.3.3: the codings of one menu are not the same bytes. And 15.4.5: what 304 must tell.
    [Fact]
    public async Task Each_coding_of_a_menu_has_an_entity_tag_that_is_good_for_it_alone()
    {
        string?[] codings = [null, "gzip", "br"];
        var tags = new Dictionary<string, EntityTagHeaderValue>();
        foreach (var coding in codings)
        {
            using var response = await GetAsync(Menu, coding);
            tags[coding ?? ""] = response.Headers.ETag.ShouldNotBeNull();
        }

        tags.Values.ShouldAllBe(tag => !tag.IsWeak);
        tags.Values.Select(tag => tag.Tag).ShouldBeUnique();
        foreach (var coding in codings)
        {
            foreach (var (other, tag) in tags)
            {
                using var response = await GetAsync(Menu, coding, tag.ToString());
                response.StatusCode.ShouldBe(other == (coding ?? "") ? HttpStatusCode.NotModified : HttpStatusCode.OK, $"{coding} with the tag of {other}");
                response.Headers.ETag.ShouldBe(tags[coding ?? ""]);
                response.Headers.Vary.ShouldBe(["Accept-Encoding"]);
                response.Headers.CacheControl!.ToString().ShouldBe("public, no-cache");
            }

            foreach (var condition in new[] { "*", string.Join(", ", tags.Values), $"W/{tags[coding ?? ""]}" })
            {
                using var response = await GetAsync(Menu, coding, condition);
                response.StatusCode.ShouldBe(HttpStatusCode.NotModified, condition);
                (await response.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
            }
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task A_menu_that_was_read_in_any_coding_can_be_changed(string? coding)
    {
        var restaurant = await TestRestaurant.CreateAsync(fixture);
        var headers = coding is null ? Array.Empty<(string, string)>() : [("Accept-Encoding", coding)];
        var tag = (await restaurant.SendAsync(HttpMethod.Get, "/menu", headers: headers, token: fixture.Cluster.OperatorKey)).ETag!;
        (await restaurant.ReplaceMenuAsync(TestRestaurant.MenuDocument(), tag)).Expect(HttpStatusCode.OK);
        (await restaurant.ReplaceMenuAsync(TestRestaurant.MenuDocument(), tag)).Expect(HttpStatusCode.PreconditionFailed);
    }

    [Fact]
    public async Task What_staff_see_is_kept_by_their_own_browsers_only()
    {
        using var request = fixture.StaffRequest(HttpMethod.Get, Menu);
        using var response = await backend.SendAsync(request);
        response.Headers.CacheControl!.ToString().ShouldBe("no-cache, private");
    }

    [Theory]
    [InlineData("/api/v1/restaurants?limit=100")]
    [InlineData("/openapi/v1.json")]
    public async Task What_is_long_and_for_everybody_is_compressed(string path)
    {
        foreach (var coding in new[] { "br", "gzip", null })
        {
            using var response = await GetAsync(path, coding);
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            response.Content.Headers.ContentEncoding.ShouldBe(coding is null ? [] : [coding]);
            response.Content.Headers.ContentLength.ShouldNotBeNull();
            response.Headers.Vary.ShouldBe(["Accept-Encoding"]);
            response.Headers.CacheControl!.ToString().ShouldBe("public, no-cache");
            using var json = JsonDocument.Parse(await DecodeAsync(response));
            json.RootElement.ValueKind.ShouldBe(JsonValueKind.Object);
        }
    }

    // BREACH, CVE-2013-3587.
    [Fact]
    public async Task What_may_hold_a_secret_is_not_compressed_and_kept_nowhere()
    {
        var orders = fixture.OrdersOf(Lucia);
        using var placed = await ClusterFixture.PlaceAsync(fixture.Eu, orders, ClusterFixture.Basket());
        placed.StatusCode.ShouldBe(HttpStatusCode.Created);
        foreach (var path in new[] { orders + "?limit=100", placed.Headers.Location!.OriginalString, $"/api/v1/restaurants/{fixture.IdOf(Lucia)}/kitchen" })
        {
            using var request = fixture.StaffRequest(HttpMethod.Get, path);
            request.Headers.Add("Accept-Encoding", "gzip, br");
            using var response = await fixture.Eu.SendAsync(request);
            response.StatusCode.ShouldBe(HttpStatusCode.OK, path);
            response.Content.Headers.ContentEncoding.ShouldBeEmpty(path);
            response.Headers.CacheControl!.ToString().ShouldBe("no-store", path);
        }

        using var refused = await fixture.Eu.GetAsync("/api/v1/accounts/me");
        refused.Headers.CacheControl!.ToString().ShouldBe("no-store");
    }

    [Fact]
    public async Task A_refusal_is_kept_nowhere_where_the_answer_would_be()
    {
        foreach (var path in new[] { $"/api/v1/restaurants/{Guid.NewGuid()}/menu", $"/api/v1/restaurants/{Guid.NewGuid()}", "/api/v1/restaurants?limit=0" })
        {
            using var response = await GetAsync(path, "br");
            ((int)response.StatusCode).ShouldBeInRange(400, 404, path);
            response.Headers.CacheControl!.ToString().ShouldBe("no-store", path);
        }
    }

    private static async Task<byte[]> DecodeAsync(HttpResponseMessage response)
    {
        var body = await response.Content.ReadAsStreamAsync();
        await using var decoded = response.Content.Headers.ContentEncoding.SingleOrDefault() switch
        {
            "br" => new BrotliStream(body, CompressionMode.Decompress),
            "gzip" => new GZipStream(body, CompressionMode.Decompress),
            _ => body,
        };
        using var bytes = new MemoryStream();
        await decoded.CopyToAsync(bytes);
        return bytes.ToArray();
    }

    private async Task<HttpResponseMessage> GetAsync(string path, string? accepted = null, string? ifNoneMatch = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (accepted is not null)
        {
            request.Headers.TryAddWithoutValidation("Accept-Encoding", accepted);
        }

        if (ifNoneMatch is not null)
        {
            request.Headers.TryAddWithoutValidation("If-None-Match", ifNoneMatch);
        }

        return await backend.SendAsync(request);
    }
}
