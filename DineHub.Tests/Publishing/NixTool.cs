namespace DineHub.Tests.Publishing;

/// <summary>Nix, as far as it works without nixpkgs.</summary>
internal static class NixTool
{
    public const string Program = "nix-instantiate";
    public const string Package = "nix-bin";

    // A path in the store would have another name: the text that stands for it here is where it points to.
    private const string Plain = "let plain = v: if builtins.isPath v then toString v else if builtins.isList v then map plain v else if builtins.isAttrs v then builtins.mapAttrs (_: plain) v else v; in plain";

    /// <summary>What it complains of; nothing where all files parse.</summary>
    public static async Task<string> ParseAsync(params IEnumerable<string> files)
    {
        var run = await RunAsync(["--parse", .. files], "");
        return run.ExitCode == 0 ? "" : run.Error;
    }

    /// <summary>A value, as JSON.</summary>
    /// <param name="expression">An expression.</param>
    public static async Task<string> EvaluateAsync(string expression)
    {
        var run = await RunAsync(["--eval", "--strict", "--json", "-"], $"{Plain} ({expression})");
        run.ExitCode.ShouldBe(0, run.Error);
        return run.Output;
    }

    // It insists on a store, even to parse; here is one that needs no rights.
    private static async Task<ProgramRun> RunAsync(IEnumerable<string> arguments, string input)
    {
        using var store = new TemporaryDirectory();
        return await ProgramRun.OfAsync(Program, arguments, input, null, ("NIX_REMOTE", store.Path));
    }
}
