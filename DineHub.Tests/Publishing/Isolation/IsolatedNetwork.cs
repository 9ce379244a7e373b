using System.Globalization;
using System.Net;
using DineHub.AppHost.Publishing;
using DineHub.AppHost.Publishing.Firewall;
using DineHub.AppHost.Publishing.Mesh;
using DineHub.Topology;
using DineHub.Topology.Access;
using DineHub.Topology.Addressing;

namespace DineHub.Tests.Publishing.Isolation;

/// <summary>
/// Machines of a deployment, each in a network namespace of its own, with an operator's machine and a stranger's: joined by a bridge, which is the internet and the VPC
/// at once, so that no security group helps; with the mesh and the control link over it; each with the packet filter that is generated for its role.
/// </summary>
internal sealed class IsolatedNetwork : IAsyncDisposable
{
    /// <summary>The interface of each machine that is no tunnel.</summary>
    public const string UnderlayInterface = "eth0";

    private readonly List<IDisposable> namespaces = [];
    private readonly List<IDisposable> listeners = [];
    private readonly List<WireGuardInterface> interfaces = [];
    private readonly Arrivals arrivals = new();
    private readonly ClusterTopology topology;
    private readonly PolicyEvaluator policy;

    private IsolatedNetwork(ClusterTopology topology, string policy)
    {
        this.topology = topology;
        this.policy = new PolicyEvaluator(policy);
        Probe = new PathProbe(arrivals);
    }

    /// <summary>The ports to probe by TCP and by UDP: all of the cluster's, and some unused ones.</summary>
    public static IReadOnlyList<int> TriedPorts { get; } =
        [.. typeof(Ports).GetFields().Select(field => (int)field.GetRawConstantValue()!).Concat([1, 23, 8081, 65535]).Distinct().Order()];

    public IReadOnlyList<IsolatedHost> Hosts { get; private set; } = [];

    public PathProbe Probe { get; }

    /// <summary>Every path that there is to try. What becomes of a packet that an operator's or a stranger's own machine gets is not the deployment's to say, but on the mesh.</summary>
    public IReadOnlyList<NetworkPath> Paths =>
    [
        .. from of in Hosts
           from to in Hosts
           where of != to
           from way in Enum.GetValues<Way>()
           where NetworkPath.AddressOf(to, way) is not null && (to.Role is not null || (way == Way.Mesh && of.Mesh is not null))
           from port in TriedPorts
           from transport in Enum.GetValues<Transport>()
           where port != Ports.WireGuard || transport == Transport.Tcp
           select new NetworkPath(of, to, way, port, transport),
    ];

    /// <summary>Starts the machines.</summary>
    /// <param name="topology">The deployment.</param>
    /// <param name="nodes">Which of its nodes there are.</param>
    /// <param name="policy">The mesh's policy; the generated one unless it is given.</param>
    public static async Task<IsolatedNetwork> StartAsync(ClusterTopology topology, IEnumerable<Node> nodes, string? policy = null)
    {
        var network = new IsolatedNetwork(topology, policy ?? HeadscalePolicy.Write(topology).Content);
        try
        {
            await network.StartHostsAsync([.. nodes]);
            await network.StartMeshAsync();
            await network.StartControlLinkAsync();
            var firewalls = FirewallTable.Write(topology).ToDictionary(file => file.Path, file => file.Content);
            foreach (var host in network.Hosts)
            {
                network.listeners.Add(await Listeners.StartAsync(host, TriedPorts, network.arrivals));
                if (host.Role is { } role)
                {
                    await host.LoadFirewallAsync(firewalls[FirewallTable.PathOf(role)]);
                }
            }

            return network;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    /// <summary>The machine of this name.</summary>
    public IsolatedHost Host(string name) => Hosts.Single(host => host.Name == name);

    public async ValueTask DisposeAsync()
    {
        listeners.ForEach(one => one.Dispose());
        foreach (var one in interfaces)
        {
            await one.DisposeAsync();
        }

        namespaces.ForEach(one => one.Dispose());
    }

    private async Task StartHostsAsync(IReadOnlyList<Node> nodes)
    {
        var bridge = await NamespaceAsync();
        await bridge.RunAsync("ip", ["-batch", "-"], "link add underlay type bridge\nlink set underlay up\n");
        var control = ControlLink.IngressAddresses(topology).Where(_ => nodes.Any(node => node.Role == Role.Headscale))
            .ToDictionary(pair => pair.Ingress.Name, pair => IPAddress.Parse(pair.Address));
        var hosts = new List<IsolatedHost>();
        foreach (var node in nodes)
        {
            var number = hosts.Count + 1;
            var isHeadscale = node.Role == Role.Headscale;
            hosts.Add(new IsolatedHost(
                node.Name,
                AccessPolicy.PartyOf(node.Role),
                node.Role,
                isHeadscale ? null : RoleName.TagOf(node.Role),
                isHeadscale ? null : MeshAddress(number),
                isHeadscale ? IPAddress.Parse(ControlLink.HeadscaleAddress(topology)) : control.GetValueOrDefault(node.Name),
                isHeadscale ? IPAddress.Parse(ControlLink.HeadscalePrivateAddress(topology)) : Underlay(number),
                UnderlaySix(number),
                await NamespaceAsync()));
        }

        if (topology.Machines.Operators is [var someone, ..])
        {
            var number = hosts.Count + 1;
            hosts.Add(new IsolatedHost(
                "operator", Party.Operator, null, someone.Name + "@", MeshAddress(number), null, Underlay(number), UnderlaySix(number), await NamespaceAsync()));
        }

        var last = hosts.Count + 1;
        hosts.Add(new IsolatedHost("stranger", Party.Internet, null, null, null, null, Underlay(last), UnderlaySix(last), await NamespaceAsync()));
        Hosts = hosts;
        foreach (var (i, host) in Hosts.Index())
        {
            await bridge.RunAsync("ip", ["-batch", "-"], $"link add port{i} type veth peer name {UnderlayInterface} netns {host.Inside.Path}\nlink set port{i} master underlay up\n");

            // Hosts without a tunnel try mesh and link addresses over the bridge: Linux answers for each of its addresses on every interface.
            var attempts = host.Mesh is null ? new[] { topology.MeshAddressRange, topology.Machines.ControlLinkRange } : [topology.Machines.ControlLinkRange];
            await host.Inside.RunAsync("ip", ["-batch", "-"], string.Concat(
            [
                $"address add {host.Underlay}/8 dev {UnderlayInterface}\n",
                $"address add {host.UnderlaySix}/64 dev {UnderlayInterface} nodad\n",
                $"link set {UnderlayInterface} up\n",
                .. attempts.Select(range => $"route add {range} dev {UnderlayInterface}\n"),
            ]));
        }
    }

    private async Task StartMeshAsync()
    {
        var members = Hosts.Where(host => host.Mesh is not null).ToList();
        var keys = await KeysAsync(members);
        foreach (var host in members)
        {
            await host.Inside.RunAsync("nft", ["--file", "-"], MeshFilter.Write(policy, host, members, TriedPorts));
            var peers = members.Where(other => MeshFilter.ArePeers(policy, host, other, TriedPorts))
                .Select(other => new WireGuardPeer(keys[other.Name].Public, other.Mesh!, new IPEndPoint(other.Underlay, Ports.WireGuard)));
            interfaces.Add(await WireGuardInterface.StartAsync(
                host.Inside, FirewallTable.MeshInterface, host.Mesh!, [topology.MeshAddressRange], keys[host.Name].Private, Ports.WireGuard, peers));
        }
    }

    private async Task StartControlLinkAsync()
    {
        var members = Hosts.Where(host => host.Control is not null).ToList();
        if (members.SingleOrDefault(host => host.Role == Role.Headscale) is not { } headscale)
        {
            return;
        }

        var keys = await KeysAsync(members);
        foreach (var host in members)
        {
            WireGuardPeer[] peers = host == headscale
                ? [.. members.Where(other => other != headscale).Select(other => new WireGuardPeer(keys[other.Name].Public, other.Control!, null))]
                : [new WireGuardPeer(keys[headscale.Name].Public, headscale.Control!, new IPEndPoint(headscale.Underlay, Ports.WireGuard), KeepsAlive: true)];
            interfaces.Add(await WireGuardInterface.StartAsync(
                host.Inside,
                FirewallTable.ControlInterface,
                host.Control!,
                peers.Select(peer => $"{peer.Address}/32"),
                keys[host.Name].Private,
                host == headscale ? Ports.WireGuard : null,
                peers));
        }
    }

    private static async Task<Dictionary<string, WireGuardKey>> KeysAsync(IEnumerable<IsolatedHost> hosts)
    {
        var keys = new Dictionary<string, WireGuardKey>();
        foreach (var host in hosts)
        {
            keys[host.Name] = await WireGuardKey.MakeAsync();
        }

        return keys;
    }

    private async Task<NetworkNamespace> NamespaceAsync()
    {
        var made = await NetworkNamespace.CreateAsync();
        namespaces.Add(made);
        return made;
    }

    private IPAddress MeshAddress(int number) => IPNetwork.Parse(topology.MeshAddressRange).At((uint)number);

    private static IPAddress Underlay(int number) => IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"10.0.0.{number}"));

    private static IPAddress UnderlaySix(int number) => IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"fd00::{number}"));
}
