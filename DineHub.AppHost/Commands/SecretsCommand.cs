using System.CommandLine;
using DineHub.AppHost.Publishing.Secrets;

namespace DineHub.AppHost.Commands;

/// <summary><c>secrets</c>: creates, sets and rotates secrets, which are never published.</summary>
internal static class SecretsCommand
{
    public static Command Create(CommonOptions common)
    {
        var output = PublishCommand.CreateOutput();
        output.Recursive = true;
        var name = new Argument<string>("NAME") { Description = "The secret's name, such as database/api-password; see 'secrets list'." };
        var host = new Option<string?>("--host") { Description = "The host whose WireGuard key to rotate.", HelpName = "NODE" };

        var init = new Command("init", "Create missing host keys and secrets, encrypted (needs sops, age and wireguard-tools).");
        init.SetAction(async (result, ct) =>
        {
            var (written, missing) = await Keeper(result).InitAsync(ct);
            Console.WriteLine(written.Count == 0 ? "No secret is missing." : $"Written: {string.Join(", ", written)}. All of it is encrypted: commit it.");
            foreach (var secret in missing)
            {
                Console.WriteLine($"Missing: {secret}, which only an operator can provide. Type it, or pipe it, into: dotnet run --project DineHub.AppHost -- secrets set {secret}");
            }

            return 0;
        });
        var list = new Command("list", "List the required secrets and the hosts that need them.");
        list.SetAction(result =>
        {
            var folder = result.GetRequiredValue(output);
            new SecretReport(common.LoadTopology(result), Recipients.Read(folder), folder).Write(TopologyCommand.WideConsole());
            return 0;
        });
        var set = new Command("set", "Set a secret to the value from standard input.") { name };
        set.SetAction(async (result, ct) =>
        {
            // Not an argument: those stand in the shell's history, and in the list of processes.
            var value = (await Console.In.ReadToEndAsync(ct)).Trim();
            if (value.Length == 0)
            {
                throw new SecretException("The standard input is empty: type the value, or pipe it.");
            }

            return Tell(await Keeper(result).SetAsync(result.GetRequiredValue(name), value, ct));
        });
        var rotate = new Command("rotate", "Replace a secret by a new value.") { name, host };
        rotate.SetAction(async (result, ct) => Tell(await Keeper(result).RotateAsync(result.GetRequiredValue(name), result.GetValue(host), ct)));

        return new Command("secrets", "Create, set and rotate the machines' secrets.") { output, init, list, set, rotate };

        SecretKeeper Keeper(ParseResult result) => new(common.LoadTopology(result), result.GetRequiredValue(output));
    }

    private static int Tell(IReadOnlyList<string> hosts)
    {
        Console.WriteLine($"Written: {string.Join(", ", hosts)}. Commit it, and deploy these hosts; docs/runbook.md has the order.");
        return 0;
    }
}
