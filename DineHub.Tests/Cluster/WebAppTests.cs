using System.Net;
using System.Text.RegularExpressions;

namespace DineHub.Tests.Cluster;

/// <summary>The web app's files, as a backend serves them from its build.</summary>
[Collection(ClusterCollection.Name)]
public sealed partial class WebAppTests(ClusterFixture fixture) : IDisposable
{
    private readonly HttpClient backend = ClusterFixture.Client(fixture.Cluster.Backends[0].Url);

    public void Dispose() => backend.Dispose();

    [Theory]
    [InlineData("/", "text/html", "no-cache")]
    [InlineData("/index.html", "text/html", "no-cache")]
    [InlineData("/assets/app.css", "text/css", "no-cache")]
    [InlineData("/favicon.ico", "image/x-icon", "must-revalidate, max-age=3600")]
    [InlineData("/robots.txt", "text/plain", "no-cache")]
    public async Task A_file_has_a_type_a_rule_for_caches_and_an_entity_tag(string path, string type, string cacheControl)
    {
        using var response = await backend.GetAsync(path);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.MediaType.ShouldBe(type);
        response.Headers.CacheControl!.ToString().ShouldBe(cacheControl);
        (await response.Content.ReadAsByteArrayAsync()).ShouldNotBeEmpty();

        using var again = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { IfNoneMatch = { response.Headers.ETag.ShouldNotBeNull() } } };
        using var unchanged = await backend.SendAsync(again);
        unchanged.StatusCode.ShouldBe(HttpStatusCode.NotModified);
    }

    [Fact]
    public async Task The_start_page_names_its_script_by_its_fingerprint_and_browsers_may_keep_that_for_good()
    {
        var script = Script().Match(await backend.GetStringAsync("/")).Groups["path"].Value;
        script.ShouldNotBeEmpty();
        using var response = await backend.GetAsync("/" + script);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/javascript");
        response.Headers.CacheControl!.ToString().ShouldBe("max-age=31536000, immutable");
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/assets/app.css")]
    [InlineData("/assets/app.js")]
    public async Task A_file_is_compressed_if_the_client_accepts_it(string path)
    {
        var plain = await backend.GetByteArrayAsync(path);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, AutomaticDecompression = DecompressionMethods.GZip }) { BaseAddress = backend.BaseAddress };
        (await client.GetByteArrayAsync(path)).ShouldBe(plain);

        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Accept-Encoding", "gzip" } } };
        using var response = await backend.SendAsync(request);
        response.Content.Headers.ContentEncoding.ShouldBe(["gzip"]);
        response.Headers.Vary.ShouldBe(["Accept-Encoding"]);
        (await response.Content.ReadAsByteArrayAsync()).Length.ShouldBeLessThan(plain.Length);
    }

    // What the Content-Security-Policy of the ingress, default-src 'self', lets no browser run.
    [Fact]
    public async Task The_start_page_has_no_inline_script_style_or_handler_and_takes_nothing_from_elsewhere()
    {
        var page = await backend.GetStringAsync("/");
        Inline().Matches(page).Select(match => match.Value).ShouldBeEmpty();
        page.ShouldNotContain("//", Case.Sensitive);
    }

    [Theory]
    [InlineData("/assets/nothing.js")]
    [InlineData("/assets/")]
    [InlineData("/assets/..%2findex.html")]
    [InlineData("/appsettings.json")]
    [InlineData("/DineHub.Api.dll")]
    public async Task What_is_no_file_of_the_web_app_is_404(string path)
    {
        using var response = await backend.GetAsync(path);
        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
    }

    [GeneratedRegex("""<script type="module" src="(?<path>assets/app\.[a-z0-9]{10}\.js)"></script>""")]
    private static partial Regex Script();

    [GeneratedRegex("""<script>|<script [^>]*>[^<]|<style|\sstyle=|\son\w+=|javascript:""")]
    private static partial Regex Inline();
}
