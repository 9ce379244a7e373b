using DineHub.AppHost.Composition;

namespace DineHub.Tests.Processes;

/// <summary>The built gateway as a process of its own.</summary>
internal static class BuiltGateway
{
    /// <summary>What to run.</summary>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Its variables.</param>
    public static ProcessSpec Run(IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        var command = BuiltProgram.Run(BuiltProgram.Gateway, [.. arguments]);
        return new ProcessSpec(command.FileName, command.Arguments, environment, command.WorkingDirectory);
    }
}
