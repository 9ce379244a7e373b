using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace DineHub.Topology.Configuration;

/// <summary>Reads a topology from .NET configuration, validates it and expands it to named nodes.</summary>
public static partial class TopologyConfiguration
{
    /// <summary>
    /// The prefix of environment variables that override the file: <c>DINEHUB__Regions__0__Backends=3</c>. Two underscores, so that
    /// the services' own <c>DINEHUB_REGION</c> is not one of them.
    /// </summary>
    public const string EnvironmentPrefix = "DINEHUB__";

    private static readonly Dictionary<Role, string> InstanceTypes = new()
    {
        [Role.Ingress] = "t3.small",
        [Role.Backend] = "t3.medium",
        [Role.Coordinator] = "t3.medium",
        [Role.Worker] = "t3.medium",
        [Role.Standby] = "t3.medium",
        [Role.Headscale] = "t3.micro",
        [Role.Monitoring] = "t3.small",
    };

    // RFC 6598: shared address space, which Tailscale and Headscale take their addresses from.
    private static readonly IPNetwork SharedAddressSpace = new(IPAddress.Parse("100.64.0.0"), 10);

    // Names of nodes stand before a domain, and "backend-" and "-99" around an alias: the results must be names, too (RFC 1035: 253 and 63 characters).
    private const int MaxDomainLength = 253 - 64;
    private const int MaxAliasLength = 52;

    private static readonly IPNetwork[] PrivateNetworks =
        [new(IPAddress.Parse("10.0.0.0"), 8), new(IPAddress.Parse("172.16.0.0"), 12), new(IPAddress.Parse("192.168.0.0"), 16)];

    /// <summary>Reads a file, then environment variables, then overrides; the later wins.</summary>
    /// <param name="path">The JSON file.</param>
    /// <param name="overrides">Keys such as <c>Regions:0:Backends</c> with their values; of one key the last holds.</param>
    /// <exception cref="TopologyException">The topology is not valid.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not JSON.</exception>
    public static ClusterTopology Load(string path, IEnumerable<KeyValuePair<string, string?>> overrides) => Read(Open(path, overrides));

    /// <summary>The configuration that <see cref="Load"/> reads.</summary>
    internal static IConfigurationRoot Open(string path, IEnumerable<KeyValuePair<string, string?>> overrides) => new ConfigurationBuilder()
        .AddJsonFile(System.IO.Path.GetFullPath(path))
        .AddEnvironmentVariables(EnvironmentPrefix)
        .AddInMemoryCollection(overrides.GroupBy(pair => pair.Key, StringComparer.OrdinalIgnoreCase).Select(key => key.Last()))
        .Build();

    /// <summary>Reads a configuration.</summary>
    /// <param name="configuration">The keys of dinehub.json at its root.</param>
    /// <exception cref="TopologyException">The topology is not valid.</exception>
    public static ClusterTopology Read(IConfiguration configuration)
    {
        var errors = new List<ConfigurationError>();
        var root = new SectionReader(configuration, errors);
        var name = Label(root, "Name", "dinehub");
        var domain = DomainName(root, "Domain", fallback: null);
        var mesh = root.Section("Mesh");
        var meshDomain = DomainName(mesh, "Domain", "mesh." + domain);
        var meshRange = Network(mesh, "AddressRange", "100.64.0.0/10");
        if (meshRange is { } range && (range.PrefixLength < SharedAddressSpace.PrefixLength || !SharedAddressSpace.Contains(range.BaseAddress)))
        {
            mesh.Fail("AddressRange", $"must lie in {SharedAddressSpace} (RFC 6598), but is '{range}'");
        }

        var control = "control." + domain;
        if (control == meshDomain || control.EndsWith("." + meshDomain, StringComparison.Ordinal))
        {
            mesh.Fail("Domain", $"must not be or contain '{control}', the control server's name: Headscale would refuse to start");
        }

        mesh.RefuseUnknown();
        var sizes = ReadInstanceTypes(root);
        var headscale = root.Section("Headscale");
        var link = Network(headscale, "LinkRange", "10.254.0.0/22") ?? new IPNetwork(IPAddress.Parse("10.254.0.0"), 22);
        CheckLink(headscale, link, meshRange);
        var regions = ReadRegions(root, meshRange, ("Headscale:LinkRange", link));
        var database = root.Section("Database");
        var first = regions.Count > 0 ? regions[0].Region.Name : "";
        var coordinatorPlace = PlaceOf(database.Section("Coordinator"), regions, first);
        var workers = database.List("Workers").Select(worker => PlaceOf(worker, regions, fallback: null)).ToList();
        if (workers.Count == 0)
        {
            database.Fail("Workers", "must name at least one worker");
        }

        var standbys = database.Flag("Standbys", fallback: true);
        var durability = database.Choice("Durability", standbys ? CommitDurability.Standby : CommitDurability.Local);
        if (durability == CommitDurability.Standby && !standbys)
        {
            database.Fail("Durability", "must be Local where Database:Standbys is false: there is no standby to wait for");
        }

        var standbyTimeout = database.Number("StandbyTimeoutSeconds", fallback: 15, minimum: 1, maximum: 3600);
        var shards = database.Number("Shards", fallback: 32, minimum: 1, maximum: 1024);
        if (shards < workers.Count)
        {
            database.Fail("Shards", $"must be at least the number of workers ({workers.Count}), but is {shards}");
        }

        var failover = database.Choice("Failover", Failover.Manual);
        var monitoringRegion = RegionOf(root.Section("Monitoring"), regions, first);
        if (failover == Failover.Vote)
        {
            CheckVote(database, standbys, coordinatorPlace, monitoringRegion);
        }

        database.RefuseUnknown();
        var ingress = IngressSettings.Read(configuration.GetSection(IngressSettings.Section), errors);
        var headscaleRegion = RegionOf(headscale, regions, first);
        var machines = MachineReader.Read(root, configuration, domain, link);
        var local = root.Section("Local");
        var maxLocalPort = 65535 - Math.Max(0, regions.Sum(region => region.Ingresses) - 1);
        var gatewayPort = local.Number("GatewayPort", fallback: 8080, minimum: 0, maximum: maxLocalPort);

        // As far from it as 8443 is from 8080.
        var gatewayTlsPort = local.Number("GatewayTlsPort", fallback: gatewayPort == 0 ? 0 : Math.Min(gatewayPort + 363, maxLocalPort), minimum: 0, maximum: maxLocalPort);
        local.RefuseUnknown();
        root.Section(IngressSettings.Section);
        root.RefuseUnknown();

        // Where these are wrong it is not known what nodes are meant.
        if (errors.Exists(error => error.Path.StartsWith("Regions", StringComparison.Ordinal) || error.Path.StartsWith("Database", StringComparison.Ordinal)))
        {
            throw new TopologyException(errors);
        }

        Node Node(string nodeName, Role role, string region, string? follows = null) =>
            new(nodeName, role, region, sizes[role], $"{nodeName}.{meshDomain}", follows);

        var places = workers
            .Select((place, i) => (Node: Node(string.Create(CultureInfo.InvariantCulture, $"db-worker-{i + 1}"), Role.Worker, place.Region), place.StandbyRegion))
            .Prepend((Node: Node("db-coordinator", Role.Coordinator, coordinatorPlace.Region), coordinatorPlace.StandbyRegion))
            .ToList();
        Node[] nodes =
        [
            .. Numbered(regions, region => region.Ingresses, Role.Ingress, "ingress"),
            .. Numbered(regions, region => region.Backends, Role.Backend, "backend"),
            .. places.Select(place => place.Node),
            .. standbys ? places.Select(place => Node($"{place.Node.Name}-standby", Role.Standby, place.StandbyRegion, place.Node.Name)) : [],
            Node("headscale", Role.Headscale, headscaleRegion),
            Node("monitoring", Role.Monitoring, monitoringRegion),
        ];
        MachineReader.Check(root, machines, [.. regions.Select(region => region.Region)], nodes);
        if (errors.Count > 0)
        {
            throw new TopologyException(errors);
        }

        return new ClusterTopology
        {
            Name = name,
            Domain = domain,
            MeshDomain = meshDomain,
            MeshAddressRange = meshRange.ToString()!,
            Regions = [.. regions.Select(region => region.Region)],
            Durability = durability,
            StandbyTimeoutSeconds = standbyTimeout,
            Shards = shards,
            Ingress = ingress,
            LocalGatewayPort = gatewayPort,
            LocalGatewayTlsPort = gatewayTlsPort,
            Failover = failover,
            Machines = machines,
            Nodes = nodes,
        };

        IEnumerable<Node> Numbered(List<RegionCounts> all, Func<RegionCounts, int> count, Role role, string prefix) =>
            from region in all
            from number in Enumerable.Range(1, count(region))
            select Node(string.Create(CultureInfo.InvariantCulture, $"{prefix}-{region.Region.Alias}-{number}"), role, region.Region.Name);
    }

    // With two sites neither can tell "the other is down" from "I am cut off".
    private static void CheckVote(SectionReader database, bool standbys, Place coordinator, string monitoringRegion)
    {
        if (!standbys)
        {
            database.Fail("Failover", "must be Manual where Database:Standbys is false: there is no standby to promote");
        }
        else if (new[] { coordinator.Region, coordinator.StandbyRegion, monitoringRegion }.Distinct().Count() < 3)
        {
            database.Fail("Failover", $"Vote needs three sites, but the coordinator ({coordinator.Region}), its standby ({coordinator.StandbyRegion}) and Monitoring:Region ({monitoringRegion}) share one");
        }
    }

    // A standby in the primary's own region would be lost with it; with one region there is no other.
    private static string NextRegion(List<RegionCounts> regions, string region) =>
        regions[(regions.FindIndex(candidate => candidate.Region.Name == region) + 1) % regions.Count].Region.Name;

    private static Dictionary<Role, string> ReadInstanceTypes(SectionReader root)
    {
        var section = root.Section("InstanceTypes");
        var types = InstanceTypes.ToDictionary(pair => pair.Key, pair => section.Text(pair.Key.ToString(), pair.Value));
        foreach (var (role, type) in types.Where(pair => !InstanceTypePattern().IsMatch(pair.Value)))
        {
            section.Fail(role.ToString(), $"must be an instance type such as t3.medium, but is '{type}'");
        }

        section.RefuseUnknown();
        return types;
    }

    private static List<RegionCounts> ReadRegions(SectionReader root, IPNetwork? meshRange, (string Path, IPNetwork Network) link)
    {
        var regions = new List<RegionCounts>();
        var networks = new List<(string Path, IPNetwork Network)> { link };
        if (meshRange is { } range)
        {
            networks.Add(("Mesh:AddressRange", range));
        }

        foreach (var reader in root.List("Regions"))
        {
            var name = reader.Text("Name");
            var alias = Label(reader, "Alias", name.Split('-')[0], MaxAliasLength);
            var network = Network(reader, "Cidr", string.Create(CultureInfo.InvariantCulture, $"10.{10 * (regions.Count + 1)}.0.0/16"));
            regions.Add(new RegionCounts(
                new Region(name, alias, network?.ToString() ?? ""),
                reader.Number("Ingresses", fallback: 1, minimum: 1, maximum: 99),
                reader.Number("Backends", fallback: 2, minimum: 1, maximum: 99)));
            reader.RefuseUnknown();
            if (name.Length > 0 && !RegionPattern().IsMatch(name))
            {
                reader.Fail("Name", $"must be a region such as eu-west-1, but is '{name}'");
            }

            if (regions.Count(region => region.Region.Name == name) > 1)
            {
                reader.Fail("Name", $"'{name}' is a duplicate");
            }

            if (regions.Count(region => region.Region.Alias == alias) > 1)
            {
                reader.Fail("Alias", $"'{alias}' is another region's alias; host names need one of its own");
            }

            CheckNetwork(reader, network, networks);
        }

        if (regions.Count == 0)
        {
            root.Fail("Regions", "must name at least one region");
        }

        return regions;
    }

    private static void CheckLink(SectionReader headscale, IPNetwork link, IPNetwork? meshRange)
    {
        if (meshRange is { } range && Overlap(link, range))
        {
            headscale.Fail("LinkRange", $"'{link}' overlaps '{range}' of Mesh:AddressRange");
        }
        else if (!IsPrivate(link))
        {
            headscale.Fail("LinkRange", $"must be a private range (RFC 1918), but is '{link}'");
        }
    }

    private static bool IsPrivate(IPNetwork network) => PrivateNetworks.Any(known => known.PrefixLength <= network.PrefixLength && known.Contains(network.BaseAddress));

    private static bool Overlap(IPNetwork one, IPNetwork other) => one.Contains(other.BaseAddress) || other.Contains(one.BaseAddress);

    private static void CheckNetwork(SectionReader reader, IPNetwork? cidr, List<(string Path, IPNetwork Network)> networks)
    {
        if (cidr is not { } network)
        {
            return;
        }

        if (!IsPrivate(network) || network.PrefixLength is < 16 or > 24)
        {
            reader.Fail("Cidr", $"must be a private range (RFC 1918) from /16 to /24, but is '{network}'");
        }

        // NAT-free paths between regions need addresses that are unique over all of them.
        foreach (var (path, other) in networks.Where(known => Overlap(known.Network, network)))
        {
            reader.Fail("Cidr", $"'{network}' overlaps '{other}' of {path}");
        }

        networks.Add((reader.PathOf("Cidr"), network));
    }

    // A standby stands in the next region of the list unless it is told where: a region that is appended would move those that follow the last one.
    private static Place PlaceOf(SectionReader section, List<RegionCounts> regions, string? fallback)
    {
        var region = ReadRegion(section, "Region", regions, fallback);
        var isKnown = regions.Exists(candidate => candidate.Region.Name == region);
        var standby = ReadRegion(section, "StandbyRegion", regions, isKnown ? NextRegion(regions, region) : region);
        if (isKnown && regions.Count > 1 && standby == region)
        {
            section.Fail("StandbyRegion", $"must not be the primary's own region, '{region}': both would be lost with it");
        }

        section.RefuseUnknown();
        return new Place(region, standby);
    }

    private static string RegionOf(SectionReader section, List<RegionCounts> regions, string? fallback)
    {
        var name = ReadRegion(section, "Region", regions, fallback);
        section.RefuseUnknown();
        return name;
    }

    private static string ReadRegion(SectionReader section, string key, List<RegionCounts> regions, string? fallback)
    {
        var name = section.Text(key, fallback is { Length: 0 } ? " " : fallback);
        if (!string.IsNullOrWhiteSpace(name) && name != fallback && regions.All(region => region.Region.Name != name))
        {
            section.Fail(key, $"'{name}' is not one of the regions: {string.Join(", ", regions.Select(region => region.Region.Name))}");
        }

        return name;
    }

    private static string Label(SectionReader reader, string key, string fallback, int longest = 63)
    {
        var label = reader.Text(key, fallback);
        if (!LabelPattern().IsMatch(label) || label.Length > longest)
        {
            reader.Fail(key, $"must be a DNS label (RFC 1123: lower-case letters, digits and hyphens, at most {longest}), but is '{label}'");
        }

        return label;
    }

    private static string DomainName(SectionReader reader, string key, string? fallback)
    {
        var domain = reader.Text(key, fallback);
        if (domain.Length > 0 && (domain.Length > MaxDomainLength || domain.Split('.') is not { Length: >= 2 } labels || !labels.All(label => LabelPattern().IsMatch(label))))
        {
            reader.Fail(key, $"must be a DNS name such as dinehub.example, of {MaxDomainLength} characters at most, but is '{domain}'");
        }

        return domain;
    }

    private static IPNetwork? Network(SectionReader reader, string key, string fallback)
    {
        var text = reader.Text(key, fallback);
        // The framework drops address bits behind the prefix; here they are more likely a typing error.
        if (IPNetwork.TryParse(text, out var network) && network.ToString() == text && network.BaseAddress.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork)
        {
            return network;
        }

        reader.Fail(key, $"must be an IPv4 network such as 10.10.0.0/16, with no address bits behind the prefix, but is '{text}'");
        return null;
    }

    private sealed record Place(string Region, string StandbyRegion);

    private sealed record RegionCounts(Region Region, int Ingresses, int Backends);

    [GeneratedRegex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    private static partial Regex LabelPattern();

    [GeneratedRegex("^[a-z]+(-[a-z0-9]+)+$")]
    private static partial Regex RegionPattern();

    [GeneratedRegex(@"^[a-z][a-z0-9-]*\.[a-z0-9-]+$")]
    private static partial Regex InstanceTypePattern();
}
