using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using DineHub.Api.Http;
using DineHub.Api.Images;
using DineHub.Api.Operations;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DineHub.Tests.Images;

/// <summary>Uploads to the folder that stands in for object storage in development.</summary>
public sealed class LocalImagesTests : IAsyncLifetime, IDisposable
{
    private static readonly Guid Restaurant = Guid.NewGuid();
    private static readonly Dictionary<string, byte[]> Starts = new()
    {
        ["image/jpeg"] = [0xFF, 0xD8, 0xFF, 0xE0],
        ["image/png"] = [0x89, (byte)'P', (byte)'N', (byte)'G', (byte)'\r', (byte)'\n', 0x1A, (byte)'\n'],
        ["image/webp"] = [.. "RIFF"u8, 1, 2, 3, 4, .. "WEBP"u8],
    };

    private readonly TemporaryDirectory directory = new();
    private readonly Clock clock = new();
    private readonly LocalImageStore store;
    private readonly HttpClient client = new(new SocketsHttpHandler { UseProxy = false });
    private WebApplication? app;

    public LocalImagesTests() => store = new LocalImageStore(Folder, Key(1), clock);

    private string Folder => Path.Combine(directory.Path, "images");

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();

        // As the API's own limit, below what an image may have.
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = 256 * 1024);
        builder.Services.AddSingleton(store).AddProblemDetails().AddAuthorization();
        app = builder.Build();
        app.UseBufferedResponses();
        app.MapGroup("/api/v1").MapLocalImages();
        await app.StartAsync();
        client.BaseAddress = new Uri(app.Urls.Single());
    }

    public async Task DisposeAsync() => await app!.DisposeAsync();

    public void Dispose()
    {
        client.Dispose();
        directory.Dispose();
    }

    [Theory]
    [InlineData("image/jpeg", 4)]
    [InlineData("image/png", 100_000)]
    [InlineData("image/webp", 1_000_000)]
    public async Task An_image_that_is_uploaded_is_there_to_read(string contentType, int length)
    {
        var image = Image(contentType, length);
        var upload = store.CreateUpload(Restaurant, contentType, length);
        (await client.GetAsync(upload.ImageUrl)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        using var uploaded = await PutAsync(upload, image);
        uploaded.StatusCode.ShouldBe(HttpStatusCode.Created);
        uploaded.Headers.Location!.OriginalString.ShouldBe(upload.ImageUrl);

        using var read = await client.GetAsync(upload.ImageUrl);
        read.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await read.Content.ReadAsByteArrayAsync()).ShouldBe(image);
        read.Content.Headers.ContentType!.ToString().ShouldBe(contentType);
        read.Headers.CacheControl.ShouldBe(
            new CacheControlHeaderValue { Public = true, MaxAge = TimeSpan.FromDays(365), Extensions = { new("immutable") } });
        read.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);

        using var again = new HttpRequestMessage(HttpMethod.Get, upload.ImageUrl) { Headers = { IfNoneMatch = { read.Headers.ETag! } } };
        using var unchanged = await client.SendAsync(again);
        unchanged.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        Files().ShouldBe([Path.Combine(Folder, Restaurant.ToString(), upload.ImageUrl.Split('/')[^1])]);
    }

    [Fact]
    public async Task An_upload_of_other_bytes_to_the_same_url_is_409_and_changes_nothing()
    {
        var upload = store.CreateUpload(Restaurant, "image/png", 50);
        var first = Image("image/png", 50);
        (await PutAsync(upload, first)).StatusCode.ShouldBe(HttpStatusCode.Created);
        var other = first.ToArray();
        other[^1] ^= 1;
        await ShouldBeRefusedAsync(await PutAsync(upload, other), HttpStatusCode.Conflict, "ImageExists");
        (await client.GetByteArrayAsync(upload.ImageUrl)).ShouldBe(first);
        Files().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task An_upload_that_is_repeated_is_answered_as_the_first_was()
    {
        var upload = store.CreateUpload(Restaurant, "image/png", 100_000);
        var image = Image("image/png", 100_000);
        Task<HttpResponseMessage>[] atOnce = [.. Enumerable.Range(0, 8).Select(_ => PutAsync(upload, image))];
        HttpResponseMessage[] answers = [.. await Task.WhenAll(atOnce), await PutAsync(upload, image, chunked: true)];
        answers.ShouldAllBe(answer => answer.StatusCode == HttpStatusCode.Created && answer.Headers.Location!.OriginalString == upload.ImageUrl);
        (await client.GetByteArrayAsync(upload.ImageUrl)).ShouldBe(image);
        Files().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task What_would_not_be_taken_the_first_time_is_not_taken_again_either()
    {
        var upload = store.CreateUpload(Restaurant, "image/png", 50);
        var image = Image("image/png", 50);
        (await PutAsync(upload, image)).StatusCode.ShouldBe(HttpStatusCode.Created);
        await ShouldBeRefusedAsync(await PutAsync(upload, [.. image, 0]), HttpStatusCode.BadRequest, "ImageNotAsAllowed");
        await ShouldBeRefusedAsync(await PutAsync(upload with { UploadUrl = upload.ImageUrl }, image), HttpStatusCode.Forbidden, "UploadNotAllowed");
        clock.Now = upload.ExpiresAt;
        await ShouldBeRefusedAsync(await PutAsync(upload, image), HttpStatusCode.Forbidden, "UploadExpired");
    }

    [Fact]
    public async Task Of_uploads_at_the_same_time_one_is_stored()
    {
        for (var round = 1; round <= 20; round++)
        {
            var upload = store.CreateUpload(Restaurant, "image/png", 100_000);
            var images = Enumerable.Range(0, 8).Select(_ => Image("image/png", 100_000)).ToArray();
            var answers = await Task.WhenAll(images.Select(image => PutAsync(upload, image)));
            answers.Count(answer => answer.StatusCode == HttpStatusCode.Conflict).ShouldBe(7);
            var stored = images[Array.FindIndex(answers, answer => answer.StatusCode == HttpStatusCode.Created)];
            (await client.GetByteArrayAsync(upload.ImageUrl)).ShouldBe(stored);
            Files().Length.ShouldBe(round);
        }
    }

    [Fact]
    public async Task A_url_that_the_store_has_not_signed_as_it_is_takes_no_upload()
    {
        var upload = store.CreateUpload(Restaurant, "image/png", 50);
        var other = store.CreateUpload(Restaurant, "image/png", 50);
        var foreign = new LocalImageStore(Folder, Key(2), clock).CreateUpload(Restaurant, "image/png", 50);
        string[] urls =
        [
            foreign.UploadUrl,
            upload.ImageUrl,
            upload.UploadUrl + "A",
            upload.UploadUrl[..^1],
            upload.UploadUrl.Replace("length=50", "length=51", StringComparison.Ordinal),
            upload.UploadUrl.Replace("expires=1", "expires=2", StringComparison.Ordinal),
            upload.UploadUrl.Replace("expires=", "expires=x", StringComparison.Ordinal),
            upload.UploadUrl.Replace(".png", ".jpg", StringComparison.Ordinal),
            upload.UploadUrl.Replace(Restaurant.ToString(), Guid.NewGuid().ToString(), StringComparison.Ordinal),
            other.ImageUrl + upload.UploadUrl[upload.ImageUrl.Length..],
        ];
        foreach (var url in urls)
        {
            using var refused = await PutAsync(upload with { UploadUrl = url }, Image("image/png", 50));
            await ShouldBeRefusedAsync(refused, HttpStatusCode.Forbidden, "UploadNotAllowed");
        }

        Files().ShouldBeEmpty();
    }

    [Fact]
    public async Task An_upload_is_taken_until_its_time_is_over()
    {
        var (early, late) = (store.CreateUpload(Restaurant, "image/png", 50), store.CreateUpload(Restaurant, "image/png", 50));
        early.ExpiresAt.ShouldBe(new DateTimeOffset(2026, 1, 2, 3, 14, 5, TimeSpan.Zero));
        clock.Now = early.ExpiresAt.AddMilliseconds(-1);
        (await PutAsync(early, Image("image/png", 50))).StatusCode.ShouldBe(HttpStatusCode.Created);
        clock.Now = late.ExpiresAt;
        await ShouldBeRefusedAsync(await PutAsync(late, Image("image/png", 50)), HttpStatusCode.Forbidden, "UploadExpired");
    }

    [Theory]
    [InlineData(49, false)]
    [InlineData(51, false)]
    [InlineData(49, true)]
    [InlineData(51, true)]
    [InlineData(300_000, true)]
    public async Task An_upload_of_another_length_is_refused(int length, bool chunked)
    {
        var upload = store.CreateUpload(Restaurant, "image/png", 50);
        using var refused = await PutAsync(upload, Image("image/png", length), chunked: chunked);
        await ShouldBeRefusedAsync(refused, HttpStatusCode.BadRequest, "ImageNotAsAllowed");
        Files().ShouldBeEmpty();
    }

    [Fact]
    public async Task An_upload_that_is_longer_than_any_image_is_413()
    {
        var upload = store.CreateUpload(Restaurant, "image/png", 1_000_000);
        await ShouldBeRefusedAsync(await PutAsync(upload, Image("image/png", 1_000_001)), HttpStatusCode.RequestEntityTooLarge, "ImageTooLarge");
    }

    [Theory]
    [InlineData("image/jpeg")]
    [InlineData("image/png; charset=utf-8")]
    [InlineData("text/html")]
    [InlineData(null)]
    public async Task An_upload_of_another_type_is_refused(string? contentType)
    {
        var upload = store.CreateUpload(Restaurant, "image/png", 50);
        var headers = contentType is null ? [] : new Dictionary<string, string> { ["Content-Type"] = contentType };
        using var refused = await PutAsync(upload with { Headers = headers }, Image("image/png", 50));
        await ShouldBeRefusedAsync(refused, HttpStatusCode.BadRequest, "ImageNotAsAllowed");
    }

    [Theory]
    [InlineData("image/jpeg", "image/png")]
    [InlineData("image/png", "image/webp")]
    [InlineData("image/webp", "image/jpeg")]
    public async Task What_is_not_an_image_of_its_type_is_refused(string contentType, string actual)
    {
        byte[][] bodies = [Image(actual, 50), Encoding.ASCII.GetBytes("<svg onload='alert(1)'>".PadRight(50)), [Starts[contentType][0]]];
        foreach (var body in bodies)
        {
            using var refused = await PutAsync(store.CreateUpload(Restaurant, contentType, body.Length), body);
            await ShouldBeRefusedAsync(refused, HttpStatusCode.BadRequest, "ImageNotAsAllowed");
        }

        Files().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("secret.png")]
    [InlineData("../secret.png")]
    [InlineData("../../secret.png")]
    [InlineData("..%2fsecret.png")]
    [InlineData("..%2F..%2Fsecret.png")]
    [InlineData("%2e%2e/secret.png")]
    [InlineData("%2e%2e%2fsecret.png")]
    [InlineData("..%5csecret.png")]
    [InlineData("%2e%2e%252fsecret.png")]
    [InlineData("/secret.png")]
    [InlineData("%2fsecret.png")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAA.png%0a")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAA.png.x.tmp")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAA.svg")]
    public async Task A_name_that_no_image_has_is_not_there(string name)
    {
        foreach (var folder in new[] { directory.Path, Folder, Path.Combine(Folder, Restaurant.ToString()) })
        {
            Directory.CreateDirectory(folder);
            await File.WriteAllTextAsync(Path.Combine(folder, "secret.png"), "secret");
        }

        // By a socket: HttpClient would tidy the path up first.
        foreach (var method in new[] { "GET", "PUT" })
        {
            using var socket = new TcpClient();
            await socket.ConnectAsync(IPAddress.Loopback, client.BaseAddress!.Port);
            await using var stream = socket.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes(
                $"{method} /api/v1/images/{Restaurant}/{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
            using var reader = new StreamReader(stream);
            var answer = await reader.ReadToEndAsync().OrFailAsync("the API answers and closes");
            answer.ShouldStartWith("HTTP/1.1 404 ");
            answer.ShouldNotContain("\r\n\r\nsecret");
        }
    }

    private static byte[] Key(byte first) => [first, .. new byte[LocalImageStore.KeyBytes - 1]];

    private static byte[] Image(string contentType, int length)
    {
        var image = new byte[length];
        Random.Shared.NextBytes(image);
        Starts[contentType].CopyTo(image, 0);
        return image;
    }

    private static async Task ShouldBeRefusedAsync(HttpResponseMessage response, HttpStatusCode status, string reason)
    {
        response.StatusCode.ShouldBe(status);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("reason").GetString().ShouldBe(reason);
    }

    private Task<HttpResponseMessage> PutAsync(ImageUpload upload, byte[] body, bool chunked = false)
    {
        var request = new HttpRequestMessage(new HttpMethod(upload.Method), upload.UploadUrl) { Content = new ByteArrayContent(body) };
        foreach (var (name, value) in upload.Headers.Where(header => header.Key != "Content-Length"))
        {
            request.Content.Headers.Add(name, value);
        }

        request.Headers.TransferEncodingChunked = chunked;
        return client.SendAsync(request);
    }

    private string[] Files() => Directory.Exists(Folder) ? Directory.GetFiles(Folder, "*", SearchOption.AllDirectories) : [];
}
