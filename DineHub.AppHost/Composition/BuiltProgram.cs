using System.Runtime.InteropServices;
using DineHub.AppHost.Prerequisites;

namespace DineHub.AppHost.Composition;

/// <summary>A command line: a program with its arguments, its own variables and its folder.</summary>
/// <param name="FileName">The program.</param>
/// <param name="Arguments">Its arguments. Nothing secret: other users see them.</param>
/// <param name="WorkingDirectory">Where it runs.</param>
/// <param name="Environment">Variables beside those that it inherits.</param>
internal sealed record CommandLine(string FileName, IReadOnlyList<string> Arguments, string WorkingDirectory, IReadOnlyDictionary<string, string> Environment);

/// <summary>The .NET programs of this solution, as they were built with the AppHost, and the SDK's own.</summary>
internal static class BuiltProgram
{
    /// <summary>The API, and the <c>db</c> verbs.</summary>
    public const string Api = "DineHub.Api";

    /// <summary>The gateway.</summary>
    public const string Gateway = "DineHub.Gateway";

    // Profiling for a second compilation costs start-up time, and most of these processes live for minutes. A gateway has it back within a second of load.
    private static readonly Dictionary<string, string> QuickStart = new() { ["DOTNET_TieredPGO"] = "0" };
    private static readonly Dictionary<string, string> Sustained = new() { ["DOTNET_TieredPGO"] = "1" };

    private static readonly Dictionary<string, string> Quiet = new()
    {
        ["DOTNET_NOLOGO"] = "1",
        ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
        ["DOTNET_GENERATE_ASPNET_CERTIFICATE"] = "false",
    };

    /// <summary>The .NET host that runs this process, by its full path.</summary>
    // …/dotnet/shared/Microsoft.NETCore.App/10.0.x/ → …/dotnet/dotnet
    public static string Muxer { get; } =
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host && File.Exists(host)
            ? host
            : Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));

    /// <summary>The built assembly of a program.</summary>
    /// <param name="program"><see cref="Api"/> or <see cref="Gateway"/>.</param>
    /// <exception cref="PrerequisiteException">It is not built.</exception>
    public static string AssemblyOf(string program)
    {
        var path = BuildMetadata.Get(program);
        return File.Exists(path) ? path : throw new PrerequisiteException($"'{path}' is not built.", "Build the solution: 'dotnet build'.");
    }

    /// <summary>The command line that runs a program.</summary>
    /// <param name="program"><see cref="Api"/> or <see cref="Gateway"/>.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <exception cref="PrerequisiteException">It is not built.</exception>
    public static CommandLine Run(string program, params IReadOnlyList<string> arguments)
    {
        var path = AssemblyOf(program);
        return new CommandLine(Muxer, ["exec", path, .. arguments], Path.GetDirectoryName(path)!, program == Gateway ? Sustained : QuickStart);
    }

    /// <summary>A command of the .NET SDK, without its greeting, its telemetry and its certificate.</summary>
    /// <param name="arguments">The command.</param>
    public static CommandLine Sdk(params IReadOnlyList<string> arguments) => new(Muxer, arguments, AppContext.BaseDirectory, Quiet);
}
