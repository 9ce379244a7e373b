using System.Net;
using DineHub.Api.Accounts;
using Microsoft.AspNetCore.Http;

namespace DineHub.Tests.Accounts;

public sealed class GuessThrottleTests
{
    [Theory]
    [InlineData("203.0.113.7", "203.0.113.7")]
    [InlineData("::ffff:203.0.113.7", "203.0.113.7")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")]
    [InlineData("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::")]
    [InlineData("2001:db8:1:3::1", "2001:db8:1:3::")]
    [InlineData("fe80::1%7", "fe80::")]
    public void A_client_is_an_IPv4_address_or_64_bits_of_an_IPv6_address(string address, string client) =>
        GuessThrottle.Client(IPAddress.Parse(address)).ShouldBe(IPAddress.Parse(client));

    [Fact]
    public void Connections_without_an_address_are_one_client() => GuessThrottle.Client(null).ShouldBe(IPAddress.None);

    [Fact]
    public void A_client_that_fails_too_often_waits_and_others_do_not()
    {
        using var throttle = new GuessThrottle(TimeProvider.System);
        for (var i = 0; i < GuessThrottle.MaxFailuresPerMinute; i++)
        {
            throttle.TryReserve(From("203.0.113.7")).ShouldBeNull();
        }

        throttle.TryReserve(From("203.0.113.7")).ShouldNotBeNull().ShouldBeInRange(TimeSpan.Zero, TimeSpan.FromMinutes(1));
        throttle.TryReserve(From("203.0.113.8")).ShouldBeNull();
    }

    [Fact]
    public void A_client_that_succeeds_pays_nothing()
    {
        using var throttle = new GuessThrottle(TimeProvider.System);
        for (var i = 0; i < 3 * GuessThrottle.MaxFailuresPerMinute; i++)
        {
            throttle.TryReserve(From("203.0.113.7")).ShouldBeNull();
            throttle.GiveBack(From("203.0.113.7"));
        }
    }

    private static DefaultHttpContext From(string address) => new() { Connection = { RemoteIpAddress = IPAddress.Parse(address) } };
}
