using System.Runtime.InteropServices;

namespace DineHub.AppHost.Local;

/// <summary>What the nodes of one cluster share.</summary>
internal sealed class ClusterContext(
    ClusterDirectory directory,
    ClusterSecrets secrets,
    PostgresInstallation postgres,
    bool usesCitus,
    Action<LocalNode> changed,
    Action<string, string>? echo)
{
    /// <summary>The assembly of the gateway.</summary>
    public const string GatewayAssembly = "DineHub.Gateway";

    private static readonly Dictionary<string, string> Quiet = new()
    {
        ["DOTNET_NOLOGO"] = "1",
        ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
        ["DOTNET_GENERATE_ASPNET_CERTIFICATE"] = "false",
    };

    public ClusterDirectory Directory { get; } = directory;

    public ClusterSecrets Secrets { get; } = secrets;

    public PostgresInstallation Postgres { get; } = postgres;

    public bool UsesCitus { get; } = usesCitus;

    /// <summary>What 'DineHub.Api db join' needs in its environment; set as soon as all ports are known.</summary>
    public IReadOnlyDictionary<string, string> DatabaseEnvironment { get; set; } = new Dictionary<string, string>();

    public UnprivilegedUser? PostgresUser { get; } = UnprivilegedUser.Find();

    public static HttpClient Http { get; } = new() { Timeout = TimeSpan.FromSeconds(2) };

    public void Changed(LocalNode node) => changed(node);

    public NodeLog OpenLog(string name) => new(Directory.LogFile(name), echo is null ? null : line => echo(name, line));

    /// <summary>A .NET program of this solution, by its assembly's name.</summary>
    public static ProcessSpec DotNet(string assembly, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        var path = BuildMetadata.Get(assembly);
        if (!File.Exists(path))
        {
            throw new PrerequisiteException($"'{path}' is not built.", "Build the solution: 'dotnet build'.");
        }

        // Profiling for a second compilation costs start-up time, and most of these processes live for minutes. A gateway has it back within a second of load.
        var all = new Dictionary<string, string>(environment);
        if (assembly != GatewayAssembly)
        {
            all["DOTNET_TieredPGO"] = "0";
        }

        return new ProcessSpec(Muxer(), ["exec", path, .. arguments], all, Path.GetDirectoryName(path)!);
    }

    /// <summary>A command of the .NET SDK, which greets nobody, tells nobody, and does nothing beside it, also where it runs for the first time.</summary>
    public static ProcessSpec Sdk(IReadOnlyList<string> arguments) => new(Muxer(), arguments, Quiet, AppContext.BaseDirectory);

    // …/dotnet/shared/Microsoft.NETCore.App/10.0.x/ → …/dotnet/dotnet
    private static string Muxer() =>
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host && File.Exists(host)
            ? host
            : Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));
}
