using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using DineHub.Topology.Addressing;
using Microsoft.Extensions.Configuration;

namespace DineHub.Topology.Configuration;

/// <summary>Reads <see cref="MachineSettings"/>.</summary>
internal static partial class MachineReader
{
    private const int MaxVolumeGiB = 16_384;

    public static MachineSettings Read(SectionReader root, IConfiguration configuration, string domain, IPNetwork controlLink)
    {
        var acme = root.Section("Acme");
        var email = acme.Text("Email", "operators@" + domain);
        if (domain.Length > 0 && !EmailPattern().IsMatch(email))
        {
            acme.Fail("Email", $"must be an address such as operators@{domain}, but is '{email}'");
        }

        var acceptTerms = acme.Flag("AcceptTerms", fallback: false);
        acme.RefuseUnknown();
        var dns = root.Section("Dns");
        var zone = dns.Text("Zone", domain);
        if (zone != domain && !domain.EndsWith("." + zone, StringComparison.Ordinal))
        {
            dns.Fail("Zone", $"must be '{domain}' or a domain above it, but is '{zone}'");
        }

        var ttl = dns.Number("TtlSeconds", fallback: 60, minimum: 10, maximum: 60);
        var balancing = dns.Choice("Balancing", IngressBalancing.ActiveActive);
        dns.RefuseUnknown();
        var disks = root.Section("Disks");
        var rootDisk = disks.Number("RootGiB", fallback: 30, minimum: 10, maximum: MaxVolumeGiB);
        var dataVolume = disks.Number("DataGiB", fallback: 50, minimum: 10, maximum: MaxVolumeGiB);
        var snapshots = disks.Number("Snapshots", fallback: 7, minimum: 1, maximum: 365);
        disks.RefuseUnknown();
        return new MachineSettings
        {
            Operators = ReadOperators(root),
            AcmeEmail = email,
            AcmeAcceptTerms = acceptTerms,
            DnsZone = zone,
            DnsTtlSeconds = ttl,
            IngressBalancing = balancing,
            ControlLinkRange = controlLink.ToString(),
            RootDiskGiB = rootDisk,
            DataVolumeGiB = dataVolume,
            SnapshotsKept = snapshots,
            NodeOptions = ReadNodeOptions(root, configuration),
        };
    }

    /// <summary>Notes what only the expanded nodes tell.</summary>
    public static void Check(SectionReader root, MachineSettings machines, IReadOnlyList<Region> regions, IReadOnlyList<Node> nodes)
    {
        foreach (var node in machines.NodeOptions.Select(option => option.Node).Distinct().Where(name => nodes.All(node => node.Name != name)))
        {
            root.Fail($"NodeOptions:{node}", "is not a node; 'topology' lists them");
        }

        var ingresses = nodes.Where(node => node.Role == Role.Ingress).ToList();

        var needed = ControlLink.Size([.. regions.Select(region => ingresses.Count(node => node.Region == region.Name))]);
        if (1L << (32 - machines.ControlLink.PrefixLength) < needed)
        {
            root.Fail("Headscale:LinkRange", $"must have {needed} addresses, a hundred for the ingresses of each region, but '{machines.ControlLinkRange}' has fewer");
        }

        if (machines.IngressBalancing == IngressBalancing.ActiveStandby)
        {
            foreach (var region in ingresses.GroupBy(node => node.Region).Where(region => region.Count() > 2))
            {
                root.Fail("Dns:Balancing", $"ActiveStandby is for two ingresses in a region, and {region.Key} has {region.Count()}");
            }
        }
    }

    private static List<MachineOperator> ReadOperators(SectionReader root)
    {
        var operators = new List<MachineOperator>();
        foreach (var reader in root.List("Operators"))
        {
            var name = reader.Text("Name");
            var key = reader.Text("SshKey");
            var age = reader.Text("AgeRecipient", "");
            reader.RefuseUnknown();
            if (name.Length > 0 && (!UserPattern().IsMatch(name) || name == "root"))
            {
                reader.Fail("Name", $"must be a user's name (lower-case letters, digits and hyphens, a letter first, at most 31; not root), but is '{name}'");
            }

            if (key.Length > 0 && !SshKeyPattern().IsMatch(key))
            {
                reader.Fail("SshKey", "must be a public key as in authorized_keys: 'ssh-ed25519 AAAA… comment'");
            }

            if (age.Length > 0 && !AgePattern().IsMatch(age))
            {
                reader.Fail("AgeRecipient", $"must be a public age key (age1…), but is '{age}'");
            }

            if (operators.Exists(known => known.Name == name))
            {
                reader.Fail("Name", $"'{name}' is a duplicate");
            }

            operators.Add(new MachineOperator(name, key, age.Length == 0 ? null : age));
        }

        return operators;
    }

    /// <summary>Whether a text is an option's dotted name, as NixOS writes it.</summary>
    public static bool IsOption(string name) => OptionPattern().IsMatch(name);

    private static List<NodeOption> ReadNodeOptions(SectionReader root, IConfiguration configuration)
    {
        root.Section("NodeOptions");
        var options = new List<NodeOption>();
        foreach (var node in configuration.GetSection("NodeOptions").GetChildren().OrderBy(child => child.Key, StringComparer.Ordinal))
        {
            foreach (var option in node.GetChildren().OrderBy(child => child.Key, StringComparer.Ordinal))
            {
                if (!IsOption(option.Key))
                {
                    root.Fail(option.Path, "must be an option's dotted name such as services.openssh.settings.LogLevel");
                }

                options.Add(new NodeOption(node.Key, option.Key, ValueOf(option)));
            }
        }

        return options;
    }

    // .NET configuration knows texts only: what reads as JSON is what JSON says, so that "5" is a number, "\"5\"" a text.
    private static object? ValueOf(IConfigurationSection section)
    {
        var children = section.GetChildren().ToList();
        if (children.Count == 0)
        {
            return Scalar(section.Value);
        }

        return children.TrueForAll(child => int.TryParse(child.Key, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            ? children.Select(ValueOf).ToList()
            : children.OrderBy(child => child.Key, StringComparer.Ordinal).ToDictionary(child => child.Key, ValueOf);
    }

    private static object? Scalar(string? text)
    {
        if (bool.TryParse(text, out var flag))
        {
            return flag;
        }

        if (text is null or "null")
        {
            return null;
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        if (double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var real))
        {
            return real;
        }

        if (text.Length > 1 && text[0] == '"' && text[^1] == '"')
        {
            try
            {
                return JsonSerializer.Deserialize<string>(text);
            }
            catch (JsonException)
            {
                return text;
            }
        }

        return text;
    }

    [GeneratedRegex(@"\A[^@\s]+@[^@\s]+\z")]
    private static partial Regex EmailPattern();

    [GeneratedRegex(@"\A[a-z][a-z0-9-]{0,30}\z")]
    private static partial Regex UserPattern();

    [GeneratedRegex(@"\A(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com) [A-Za-z0-9+/]+={0,2}( [^\r\n]*)?\z")]
    private static partial Regex SshKeyPattern();

    [GeneratedRegex(@"\Aage1[a-z0-9]{58,}\z")]
    private static partial Regex AgePattern();

    [GeneratedRegex(@"\A[A-Za-z_][A-Za-z0-9_'-]*(\.[A-Za-z_][A-Za-z0-9_'-]*)*\z")]
    private static partial Regex OptionPattern();
}
