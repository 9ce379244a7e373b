using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Secrets;

/// <summary>
/// The hosts' own age keys. A host gets its private key from an operator when it is made, and again when it is replaced: so it is kept, encrypted to the operators.
/// </summary>
/// <param name="folder">The folder that is published to.</param>
internal sealed class HostKeys(string folder)
{
    private const string PublicKeyComment = "# public key: ";

    /// <summary>Makes the missing keys, and re-encrypts all of them after a change of the operators.</summary>
    /// <returns>Whom secrets are to be encrypted to now.</returns>
    /// <exception cref="SecretException">age fails, or this operator can't read the keys that there are.</exception>
    public async Task<Recipients> EnsureAsync(ClusterTopology topology, Recipients? known, CancellationToken ct)
    {
        string[] operators = [.. topology.Machines.Operators.Select(someone => someone.AgeRecipient).OfType<string>()];
        if (operators.Length == 0)
        {
            throw new SecretException("Operators: none has an AgeRecipient, so no operator could read the secrets. 'age-keygen -o ~/.config/sops/age/keys.txt' makes a key and prints it.");
        }

        if (known?.Hosts.Where(host => File.Exists(Path.Combine(folder, SecretFiles.KeyPathOf(host.Key)))).ToDictionary() is { } present && present.Count < known.Hosts.Count)
        {
            // Forgotten before there is another: who is interrupted in between must not be left with halves that do not fit.
            known = known with { Hosts = present };
            new PublicationFolder(folder).Write(Recipients.Path, known.ToJson());
        }

        var haveChanged = known is not null && !known.Operators.SequenceEqual(operators);
        var hosts = new Dictionary<string, string>();
        foreach (var node in topology.Nodes)
        {
            var path = SecretFiles.KeyPathOf(node.Name);
            if (known?.Hosts.TryGetValue(node.Name, out var publicKey) == true)
            {
                if (haveChanged)
                {
                    var privateKey = await SecretTool.Age.RunAsync(folder, ["--decrypt", "--identity", IdentityFile(), path], "", ct);
                    await EncryptAsync(path, privateKey, operators, ct);
                }

                hosts[node.Name] = publicKey;
                continue;
            }

            var key = await SecretTool.AgeKeygen.RunAsync(folder, [], "", ct);
            hosts[node.Name] = key.Split('\n').Single(line => line.StartsWith(PublicKeyComment, StringComparison.Ordinal))[PublicKeyComment.Length..].Trim();
            await EncryptAsync(path, key, operators, ct);
        }

        return new Recipients(operators, hosts);
    }

    // Where sops looks for it (sops documentation, "Encrypting using age").
    private static string IdentityFile() => Environment.GetEnvironmentVariable("SOPS_AGE_KEY_FILE") is { Length: > 0 } file
        ? file
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData), "sops", "age", "keys.txt");

    private async Task EncryptAsync(string path, string privateKey, string[] operators, CancellationToken ct)
    {
        var encrypted = await SecretTool.Age.RunAsync(folder, ["--encrypt", "--armor", .. operators.SelectMany(recipient => new[] { "--recipient", recipient })], privateKey, ct);
        new PublicationFolder(folder).Write(path, encrypted);
    }
}
