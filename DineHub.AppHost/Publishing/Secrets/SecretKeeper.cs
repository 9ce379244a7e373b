using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Secrets;

/// <summary>Makes, sets and rotates secrets. Every host that needs one has it in its own file, and all have the same value.</summary>
/// <param name="topology">The deployment.</param>
/// <param name="folder">The folder that is published to.</param>
internal sealed class SecretKeeper(ClusterTopology topology, string folder)
{
    private readonly SecretStore store = new(folder);

    /// <summary>Makes the keys and secrets that are missing; keeps those that there are, and drops what no host needs.</summary>
    /// <returns>The hosts whose files were written, and the missing secrets that only an operator can provide.</returns>
    public async Task<(IReadOnlyList<string> Written, IReadOnlyList<string> Missing)> InitAsync(CancellationToken ct)
    {
        SecretTool.Require(SecretTool.Sops, SecretTool.Age, SecretTool.AgeKeygen, SecretTool.WireGuard);
        Directory.CreateDirectory(folder);
        var known = Recipients.Read(folder);
        var recipients = await new HostKeys(folder).EnsureAsync(topology, known, ct);
        var publication = new PublicationFolder(folder);
        publication.Write(Recipients.Path, recipients.ToJson());
        publication.Write(SopsRules.Path, SopsRules.Write(topology, recipients).Content);
        var before = await ReadAllAsync(ct);
        var after = await CompleteAsync(before, ct);
        var written = topology.Nodes
            .Where(node => !IsSame(before[node.Name], after[node.Name]) || IsReadByOthers(recipients, node))
            .ToList();
        await WriteAsync(written, after, ct);
        var missing = topology.Nodes.SelectMany(node => SecretCatalog.NamesOf(topology, node).Where(name => !after[node.Name].ContainsKey(name))).Distinct().ToList();
        return ([.. written.Select(node => node.Name)], missing);
    }

    /// <summary>Gives a secret a value that an operator provides.</summary>
    /// <returns>The hosts that have it.</returns>
    /// <exception cref="SecretException">No host has a secret of that name, or it is a key of WireGuard.</exception>
    public async Task<IReadOnlyList<string>> SetAsync(string name, string value, CancellationToken ct)
    {
        RequireShared(name);
        return await ReplaceAsync(name, value, ct);
    }

    /// <summary>Gives a secret a new value.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="host">Whose key of WireGuard; null for every other secret.</param>
    /// <param name="ct">Ends it.</param>
    /// <returns>The hosts whose files were written.</returns>
    /// <exception cref="SecretException">No host has a secret of that name, or only an operator can provide it.</exception>
    public async Task<IReadOnlyList<string>> RotateAsync(string name, string? host, CancellationToken ct)
    {
        if (name == SecretName.WireGuardPrivateKey)
        {
            return await RotateWireGuardAsync(host, ct);
        }

        RequireShared(name);
        if (host is not null)
        {
            throw new SecretException($"--host: '{name}' is the same on every host.");
        }

        return SecretValue.IsProvided(name)
            ? throw new SecretException($"'{name}' must come from an operator: secrets set {name}")
            : await ReplaceAsync(name, SecretValue.New(name), ct);
    }

    private static bool IsSame(Dictionary<string, string> one, Dictionary<string, string> other) =>
        one.Count == other.Count && one.All(pair => other.TryGetValue(pair.Key, out var value) && value == pair.Value);

    // The file is asked, not what was known before: an init that was interrupted knew of all recipients, and had not written all files.
    private bool IsReadByOthers(Recipients recipients, Node node) => !store.RecipientsOf(node).SetEquals([.. recipients.Operators, recipients.Hosts[node.Name]]);

    private void RequireShared(string name)
    {
        SecretTool.Require(SecretTool.Sops, SecretTool.Age);
        var names = topology.Nodes.SelectMany(node => SecretCatalog.NamesOf(topology, node)).Where(one => !one.StartsWith("wireguard/", StringComparison.Ordinal)).Distinct().Order().ToList();
        if (!names.Contains(name))
        {
            throw new SecretException($"'{name}' is not a secret of this deployment; there are {string.Join(", ", names)}, and {SecretName.WireGuardPrivateKey}, which is rotated with --host.");
        }
    }

    private async Task<IReadOnlyList<string>> ReplaceAsync(string name, string value, CancellationToken ct)
    {
        var nodes = topology.Nodes.Where(node => SecretCatalog.NamesOf(topology, node).Contains(name)).ToList();

        // Read all before one is written: who can't read one is told so while nothing has changed.
        var values = new Dictionary<string, Dictionary<string, string>>();
        foreach (var node in nodes)
        {
            values[node.Name] = await store.ReadAsync(node, ct);
            values[node.Name][name] = value;
        }

        await WriteAsync(nodes, values, ct);
        return [.. nodes.Select(node => node.Name)];
    }

    private async Task<IReadOnlyList<string>> RotateWireGuardAsync(string? host, CancellationToken ct)
    {
        SecretTool.Require(SecretTool.Sops, SecretTool.Age, SecretTool.WireGuard);
        if (topology.Nodes.SingleOrDefault(node => node.Name == host) is not { Role: Role.Headscale or Role.Ingress } owner)
        {
            throw new SecretException($"--host: must be {string.Join(", ", topology.Nodes.Where(node => node.Role is Role.Headscale or Role.Ingress).Select(node => node.Name))}: each host has its own WireGuard key.");
        }

        var before = await ReadAllAsync(ct);
        var changed = before.ToDictionary(pair => pair.Key, pair => new Dictionary<string, string>(pair.Value));
        changed[owner.Name].Remove(SecretName.WireGuardPrivateKey);
        var after = await CompleteAsync(changed, ct);
        var nodes = topology.Nodes.Where(node => !IsSame(before[node.Name], after[node.Name])).ToList();
        await WriteAsync(nodes, after, ct);
        return [.. nodes.Select(node => node.Name)];
    }

    private async Task<Dictionary<string, Dictionary<string, string>>> ReadAllAsync(CancellationToken ct)
    {
        var all = new Dictionary<string, Dictionary<string, string>>();
        foreach (var node in topology.Nodes)
        {
            all[node.Name] = await store.ReadAsync(node, ct);
        }

        return all;
    }

    private async Task WriteAsync(IEnumerable<Node> nodes, Dictionary<string, Dictionary<string, string>> values, CancellationToken ct)
    {
        foreach (var node in nodes)
        {
            await store.WriteAsync(node, values[node.Name], ct);
        }
    }

    /// <summary>What each host should have: what it has, what others have of the same name, or else a new value.</summary>
    private async Task<Dictionary<string, Dictionary<string, string>>> CompleteAsync(Dictionary<string, Dictionary<string, string>> known, CancellationToken ct)
    {
        var shared = new Dictionary<string, string>();
        var publicKeys = new Dictionary<string, string>();
        var all = new Dictionary<string, Dictionary<string, string>>();
        foreach (var node in topology.Nodes.Where(node => node.Role is Role.Headscale or Role.Ingress))
        {
            if (!known[node.Name].TryGetValue(SecretName.WireGuardPrivateKey, out var privateKey))
            {
                privateKey = (await SecretTool.WireGuard.RunAsync(folder, ["genkey"], "", ct)).Trim();
                known[node.Name][SecretName.WireGuardPrivateKey] = privateKey;
            }

            var publicKey = (await SecretTool.WireGuard.RunAsync(folder, ["pubkey"], privateKey, ct)).Trim();
            publicKeys[node.Role == Role.Headscale ? SecretName.HeadscalePublicKey : SecretName.PublicKeyOf(node.Name)] = publicKey;
        }

        foreach (var (name, value) in known.Values.SelectMany(values => values))
        {
            shared.TryAdd(name, value);
        }

        foreach (var node in topology.Nodes)
        {
            var values = new Dictionary<string, string>();
            foreach (var name in SecretCatalog.NamesOf(topology, node))
            {
                if (publicKeys.TryGetValue(name, out var publicKey))
                {
                    values[name] = publicKey;
                }
                else if (known[node.Name].TryGetValue(name, out var own) || shared.TryGetValue(name, out own))
                {
                    values[name] = own;
                }
                else if (!SecretValue.IsProvided(name))
                {
                    values[name] = shared[name] = SecretValue.New(name);
                }
            }

            all[node.Name] = values;
        }

        return all;
    }
}
