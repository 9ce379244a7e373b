using DineHub.Tests.Processes;

namespace DineHub.Tests.Publishing;

/// <summary>A fact about a script of <c>nix/scripts</c>, which reads the topology with jq.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ScriptFactAttribute : FactAttribute
{
    public ScriptFactAttribute()
    {
        if (ProcessLauncher.FindProgram("jq") is null)
        {
            Skip = "jq is not installed: apt-get install jq";
        }
    }
}
