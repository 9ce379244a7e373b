using System.Globalization;
using DineHub.Ingress;

namespace DineHub.AppHost.Publishing.Nginx;

/// <summary>Writes the groups of servers that requests are balanced over.</summary>
/// <param name="writer">Where to.</param>
/// <param name="policy">The policy.</param>
/// <param name="settings">The machine's settings.</param>
internal sealed class NginxUpstreams(NginxWriter writer, IngressPolicy policy, NginxSettings settings)
{
    /// <summary>The backends that have not failed.</summary>
    public const string Available = "backends";

    /// <summary>All backends, whatever they did.</summary>
    public const string Every = "every_backend";

    /// <summary>The mesh's control server.</summary>
    public const string Control = "control";

    private static readonly Version ResolveVersion = new(1, 27, 3);

    private string Resolve => settings.Resolver is not null && settings.Version >= ResolveVersion ? " resolve" : "";

    public void Write()
    {
        if (settings.Resolver is { } resolver)
        {
            writer.Comment("Names are looked up again and again: a backend that has another address now is found without a reload.");
            writer.Line($"resolver {NginxText.IpAddress(resolver, 53, nameof(settings.Resolver))} valid=10s ipv6=off").Line("resolver_timeout 5s").Gap();
        }

        writer.Comment("Those of the own region first, others when none of those is left. A server that fails that often in that time gets none for as long.");
        var ejection = string.Create(CultureInfo.InvariantCulture, $"max_fails={policy.EjectAfterFailures} fail_timeout={policy.EjectionSeconds}s");
        Group(Available, ejection);
        writer.Gap().Comment("For when all are ejected: asking them all is better than asking none. And for 503, which says nothing against a server.");
        Group(Every, "max_fails=0");
        if (settings.Control is { } control)
        {
            writer.Gap().Block($"upstream {Control}", () => writer
                .Line($"zone {Control} 64k")
                .Line($"server {NginxText.Address(control.Host, control.Port, nameof(settings.Control))} max_fails=0"));
        }
    }

    private void Group(string name, string failures)
    {
        if (settings.Backends.Count == 0)
        {
            throw new ArgumentException("There must be at least one backend.", nameof(settings));
        }

        // nginx refuses a group that has only servers for when the others fail.
        var near = settings.Backends.Where(backend => backend.Region == settings.Region).ToList();
        var far = settings.Backends.Except(near).ToList();
        writer.Block($"upstream {name}", () =>
        {
            writer.Line($"zone {name} 512k").Line("least_conn");
            foreach (var backend in near.Concat(far))
            {
                var address = NginxText.Address(backend.Host, backend.Port, nameof(settings.Backends));
                var backup = near.Count > 0 && !near.Contains(backend) ? " backup" : "";
                writer.Line(
                    $"server {address} {failures}{Resolve}{backup}",
                    $"{NginxText.Name(backend.Name, nameof(settings.Backends))}, {NginxText.Name(backend.Region, nameof(settings.Backends))}");
            }

            writer.Line("keepalive 64").Line("keepalive_requests 10000").Line("keepalive_timeout 60s");
        });
    }
}
