using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using DineHub.AppHost.Publishing.Nginx;
using DineHub.Tests.Ingress;
using FsCheck;
using FsCheck.Fluent;

namespace DineHub.Tests.Publishing;

/// <summary>Texts as nginx reads them.</summary>
public sealed class NginxTextTests
{
    private static readonly Gen<string> Texts =
        from characters in Gen.OneOf(Gen.Elements("\"'\\;{}# tnrab%()~*[]|é中".ToCharArray()), Gen.Choose(32, 126).Select(code => (char)code)).ArrayOf()
        select new string(characters).Replace("$", "", StringComparison.Ordinal);

    [NginxFact]
    public async Task Nginx_reads_what_was_quoted()
    {
        using var directory = new TemporaryDirectory();
        using var ports = new PortAllocator();
        var port = ports.Next();
        string[] texts = ["\\", "\"", "'", "\\\"'\\n\\t", "\"; return 500 'x", .. Texts.Sample(200).Where(text => text.Length > 0)];
        var locations = texts.Select((text, i) => string.Create(CultureInfo.InvariantCulture, $"location = /{i} {{ return 200 {NginxText.Literal(text)}; }}"));
        var configuration = $$"""
            events { }
            http {
                access_log off;
                {{string.Join('\n', new[] { "client_body", "proxy", "fastcgi", "uwsgi", "scgi" }.Select(user => $"{user}_temp_path {directory.Path}/{user};"))}}
                server {
                    listen 127.0.0.1:{{port}};
                    {{string.Join('\n', locations)}}
                }
            }
            """;
        await using var nginx = await NginxProcess.StartAsync(directory.Path, configuration, port);
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        for (var i = 0; i < texts.Length; i++)
        {
            Encoding.UTF8.GetString(await client.GetByteArrayAsync($"/{i}")).ShouldBe(texts[i]);
        }
    }

    [Fact]
    public void What_nginx_would_take_for_more_than_text_is_refused()
    {
        foreach (var text in new[] { "$host", "a\nb", "a\0", "\u007f" })
        {
            Should.Throw<ArgumentException>(() => NginxText.Literal(text));
        }
    }

    [Fact]
    public void Longer_than_a_number_of_characters_is_what_has_one_more() =>
        Prop.ForAll(Gen.Choose(1, 70_000).ToArbitrary(), length =>
        {
            var pattern = new Regex(NginxText.LongerThan(length).Trim('"'));
            pattern.IsMatch(new string('a', length)).ShouldBeFalse();
            pattern.IsMatch(new string('a', length + 1)).ShouldBeTrue();
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.1:80")]
    [InlineData("::1", "[::1]:80")]
    [InlineData("fe80::1%3", "[fe80::1]:80")]
    [InlineData("backend-eu-1.mesh.dinehub.example", "backend-eu-1.mesh.dinehub.example:80")]
    public void An_address_is_written_as_nginx_wants_it(string host, string written) => NginxText.Address(host, 80, "Host").ShouldBe(written);
}
