using System.Globalization;
using DineHub.Topology.Ingress;

namespace DineHub.AppHost.Publishing.Nginx;

/// <summary>Writes the groups of servers that requests are balanced over.</summary>
internal sealed class NginxUpstreams
{
    /// <summary>The backends that have not failed.</summary>
    public const string Available = "backends";

    /// <summary>All backends, whatever they did.</summary>
    public const string Every = "every_backend";

    /// <summary>The mesh's control server.</summary>
    public const string Control = "control";

    private const string Others = "other_backends";

    private static readonly Version ResolveVersion = new(1, 27, 3);

    private readonly NginxWriter writer;
    private readonly IngressPolicy policy;
    private readonly NginxSettings settings;
    private readonly IReadOnlyList<NginxBackend> near;
    private readonly IReadOnlyList<NginxBackend> far;

    /// <param name="writer">Where to.</param>
    /// <param name="policy">The policy.</param>
    /// <param name="settings">The machine's settings.</param>
    public NginxUpstreams(NginxWriter writer, IngressPolicy policy, NginxSettings settings)
    {
        if (settings.Backends.Count == 0)
        {
            throw new ArgumentException($"{nameof(settings.Backends)}: there must be at least one.", nameof(settings));
        }

        (this.writer, this.policy, this.settings) = (writer, policy, settings);
        near = [.. settings.Backends.Where(backend => backend.Region == settings.Region)];
        far = [.. settings.Backends.Where(backend => backend.Region != settings.Region)];
    }

    /// <summary>Where a request goes once a backend has answered it by 503: the same group picks another one, unless there is but one.</summary>
    public string Repeating => near.Count == 1 && far.Count > 0 ? Others : Available;

    private string? Resolver => settings.Version >= ResolveVersion ? settings.Resolver : null;

    public void Write()
    {
        if (Resolver is { } resolver)
        {
            writer.Comment("Names are resolved periodically: a backend's new address needs no reload.");
            writer.Line($"resolver {NginxText.IpAddress(resolver, nameof(settings.Resolver), 53, nameof(settings.Resolver))} valid=10s ipv6=off").Line("resolver_timeout 5s").Gap();
        }

        writer.Comment("The own region's servers first, others if none of those is left. max_fails failures within fail_timeout eject a server for fail_timeout.");
        var ejection = string.Create(CultureInfo.InvariantCulture, $"max_fails={policy.EjectAfterFailures} fail_timeout={policy.EjectionSeconds}s");
        Group(Available, near, far, ejection);
        writer.Gap().Comment("If all are ejected: trying all of them is better than trying none.");
        Group(Every, near, far, "max_fails=0");
        if (Repeating == Others)
        {
            writer.Gap().Comment("After a 503 of the own region's only server.");
            Group(Others, far, near, ejection);
        }

        if (settings.Control is { } control)
        {
            writer.Gap().Block($"upstream {Control}", () => writer
                .Line($"zone {Control} 64k")
                .Line($"server {NginxText.Address(control.Host, control.Port, nameof(settings.Control))} max_fails=0"));
        }
    }

    private void Group(string name, IReadOnlyList<NginxBackend> first, IReadOnlyList<NginxBackend> then, string failures) => writer.Block($"upstream {name}", () =>
    {
        writer.Line($"zone {name} 512k").Line("least_conn");
        foreach (var backend in first.Concat(then))
        {
            // nginx refuses a group that has only servers for when the others fail.
            var resolve = Resolver is null ? "" : " resolve";
            var backup = first.Count > 0 && !first.Contains(backend) ? " backup" : "";
            writer.Line(
                $"server {NginxText.Address(backend.Host, backend.Port, nameof(settings.Backends))} {failures}{resolve}{backup}",
                $"{NginxText.Name(backend.Name, nameof(settings.Backends))}, {NginxText.Name(backend.Region, nameof(settings.Backends))}");
        }

        writer.Line("keepalive 64").Line("keepalive_requests 10000").Line("keepalive_timeout 60s");
    });
}
