using System.Globalization;
using DineHub.Tests.Contract;
using DineHub.Topology.Configuration;
using DineHub.Topology.Ingress;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace DineHub.Tests.Ingress;

/// <summary>How the policy is written down, and read again.</summary>
public sealed class IngressPolicyTests
{
    [Fact]
    public void What_is_written_as_settings_is_read_as_the_same_policy() => Check.QuickThrowOnFailure(Prop.ForAll(
        ArbMap.Default.ArbFor<PositiveInt>(),
        seed =>
        {
            // Each number as it is or one more, in any combination.
            var random = new Random(seed.Get);
            var settings = new IngressPolicy().ToSettings().ToDictionary(pair => pair.Key, pair => Plus(pair.Value, random.Next(2)));
            var errors = new List<ConfigurationError>();
            var policy = Read(settings!, errors);
            errors.ShouldBeEmpty();
            policy.ToSettings().ToDictionary().ShouldBe(settings);
        }));

    [Fact]
    public void Every_mistake_is_named_with_its_setting()
    {
        var errors = new List<ConfigurationError>();
        _ = Read(
            new()
            {
                ["Ingress:MaxFurtherTries"] = "6",
                ["Ingress:Timeout"] = "1",
                ["Ingress:RateLimits:SignIn:PerMinute"] = "0",
                ["Ingress:RateLimits:Kitchen:Burst"] = "1",
            },
            errors);
        errors.Select(error => error.Path).ShouldBe(
            ["Ingress:MaxFurtherTries", "Ingress:RateLimits:SignIn:PerMinute", "Ingress:Timeout", "Ingress:RateLimits:Kitchen"], ignoreOrder: true);
    }

    [Fact]
    public void Every_setting_stands_in_the_documentation_with_its_default()
    {
        var rows = File.ReadLines(ContractDocument.FileOf("docs", "ingress.md")).Where(line => line.StartsWith("| `", StringComparison.Ordinal)).ToList();
        var documented = rows.SelectMany(row =>
        {
            var cells = row.Split('|', StringSplitOptions.TrimEntries);
            var names = cells[1].Split(',', StringSplitOptions.TrimEntries).Select(name => name.Trim('`')).ToList();
            var defaults = cells[2].Split(',', StringSplitOptions.TrimEntries);
            return names.Count == defaults.Length
                ? names.Select((name, i) => KeyValuePair.Create(name.StartsWith(':') ? names[0][..names[0].LastIndexOf(':')] + name : name, defaults[i]))
                : [];
        }).ToHashSet();
        foreach (var (key, value) in new IngressPolicy().ToSettings())
        {
            documented.ShouldContain(KeyValuePair.Create(key[(IngressSettings.Section.Length + 1)..], value));
        }
    }

    [Theory]
    [InlineData(6000, 200, 1, "\"x\";q=200;w=2")]
    [InlineData(10, 10, 6, "\"x\";q=10;w=60")]
    [InlineData(7, 3, 9, "\"x\";q=3;w=26")]
    [InlineData(1, 1, 60, "\"x\";q=1;w=60")]
    public void A_limit_tells_when_there_is_more(int perMinute, int burst, int seconds, string field)
    {
        var limit = new RateLimit(perMinute, burst);
        limit.RetryAfterSeconds.ShouldBe(seconds);
        limit.PolicyField("x").ShouldBe(field);
        limit.ExhaustedField("x").ShouldBe($"\"x\";r=0;t={seconds}");
    }

    [Theory]
    [InlineData("/api//v1")]
    [InlineData("//api/v1")]
    [InlineData("/api/./v1")]
    [InlineData("/api/../metrics")]
    [InlineData("/api/..")]
    [InlineData("/api/..?x=1")]
    [InlineData("/api/%2e%2e/metrics")]
    [InlineData("/api/%2E./metrics")]
    [InlineData("/api%2fv1")]
    [InlineData("/api/%5c")]
    [InlineData("/api/\\v1")]
    [InlineData("/api/%00")]
    [InlineData("/api/%0d%0aX:y")]
    [InlineData("/api/%7F")]
    [InlineData("/api/\u0001")]
    [InlineData("/api?x=\u007f")]
    [InlineData("*")]
    [InlineData("api")]
    [InlineData("http://dinehub.example//api")]
    [InlineData("http://dinehub.example?x")]
    [InlineData("http://user@dinehub.example/api")]
    [InlineData("/api/%")]
    [InlineData("/api/%2")]
    [InlineData("/api/%zz")]
    [InlineData("/api/%c0%ae")]
    [InlineData("/api/%E0%80%AF")]
    [InlineData("/api/%f0%8f%80%80")]
    [InlineData("/api/%ff")]
    [InlineData("/api/caf\u00e9")]
    [InlineData("/api?caf\u00e9")]
    [InlineData("/api?x#y")]
    public void A_path_that_can_be_read_in_two_ways_is_refused(string target) => RequestTarget.IsAmbiguous(target).ShouldBeTrue();

    [Theory]
    [InlineData("/")]
    [InlineData("/api/v1/restaurants")]
    [InlineData("/api/v1/restaurants?near=1//2&x=%2e%2e/../")]
    [InlineData("/api/v1/restaurants/caf%C3%A9%20noir")]
    [InlineData("/assets/app.v1.css")]
    [InlineData("/.well-known/x")]
    [InlineData("/api/...")]
    [InlineData("HTTPS://dinehub.example:443/api/v1")]
    public void Every_other_path_is_not(string target) => RequestTarget.IsAmbiguous(target).ShouldBeFalse();

    [Fact]
    public void The_HTTP_client_sends_to_every_host_that_is_one() => Check.QuickThrowOnFailure(Prop.ForAll(
        ArbMap.Default.ArbFor<PositiveInt>(),
        seed =>
        {
            // Of what hosts are made of, so that some of them are.
            const string Letters = "aZ0-_.:[]1%";
            var random = new Random(seed.Get);
            var host = string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => Letters[random.Next(Letters.Length)]));
            if (RequestTarget.IsHost(host))
            {
                using var request = new HttpRequestMessage();
                request.Headers.Host = new HostString(host).Host.ToLowerInvariant();
                request.Headers.Host.ShouldNotBeEmpty();
            }
        }));

    private static string Plus(string value, int more) =>
        (int.Parse(value, CultureInfo.InvariantCulture) + more).ToString(CultureInfo.InvariantCulture);

    private static IngressPolicy Read(Dictionary<string, string?> settings, List<ConfigurationError> errors) =>
        IngressSettings.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build().GetSection(IngressSettings.Section), errors);
}
