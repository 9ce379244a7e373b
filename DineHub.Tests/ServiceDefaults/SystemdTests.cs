using System.Net.Sockets;
using System.Text;
using DineHub.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace DineHub.Tests.ServiceDefaults;

/// <summary>What services tell systemd, and what they read of it.</summary>
public sealed class SystemdTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly Socket systemd = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 60_000 };

    [Fact]
    public async Task A_service_tells_that_it_is_ready_that_it_works_and_that_it_stops()
    {
        var path = Path.Combine(directory.Path, "notify");
        systemd.Bind(new UnixDomainSocketEndPoint(path));
        await using var app = Build(("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", "100000"));
        await app.StartAsync();
        Receive().ShouldBe("READY=1");
        Receive().ShouldBe("WATCHDOG=1");
        Receive().ShouldBe("WATCHDOG=1");
        await app.StopAsync();
        var last = Receive();
        while (last == "WATCHDOG=1")
        {
            last = Receive();
        }

        last.ShouldBe("STOPPING=1");
    }

    [Fact]
    public async Task An_abstract_address_is_understood_and_no_watchdog_is_fed_unless_it_is_asked_for()
    {
        var name = "dinehub-tests-" + Guid.NewGuid().ToString("n");
        systemd.Bind(new UnixDomainSocketEndPoint('\0' + name));
        await using var app = Build(("NOTIFY_SOCKET", '@' + name));
        await app.StartAsync();
        await app.StopAsync();
        Receive().ShouldBe("READY=1");
        Receive().ShouldBe("STOPPING=1");
        systemd.Available.ShouldBe(0);
    }

    [Fact]
    public async Task Without_systemd_or_when_it_has_gone_a_service_starts_and_stops()
    {
        foreach (var socket in new[] { "", Path.Combine(directory.Path, "absent") })
        {
            await using var app = Build(("NOTIFY_SOCKET", socket), ("WATCHDOG_USEC", "100000"));
            await app.StartAsync();
            await app.StopAsync();
        }
    }

    [Fact]
    public async Task Credentials_are_configuration_and_win_over_the_environment()
    {
        await File.WriteAllTextAsync(Path.Combine(directory.Path, "Operator__Key"), "from the file\n");
        await using var app = Build(("CREDENTIALS_DIRECTORY", directory.Path), ("Operator:Key", "from elsewhere"));
        app.Configuration["Operator:Key"].ShouldBe("from the file");
    }

    public void Dispose()
    {
        systemd.Dispose();
        directory.Dispose();
    }

    private static WebApplication Build(params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(settings.ToDictionary(pair => pair.Key, pair => (string?)pair.Value));
        builder.Configuration["ASPNETCORE_URLS"] = builder.Configuration["urls"] = "http://127.0.0.1:0";
        builder.AddServiceDefaults();
        builder.Logging.ClearProviders();
        return builder.Build();
    }

    private string Receive()
    {
        var buffer = new byte[256];
        return Encoding.ASCII.GetString(buffer, 0, systemd.Receive(buffer));
    }
}
