namespace DineHub.Tests;

/// <summary>Every fact of this assembly, those of linked files too: skipped, by name and with the reason, where Citus is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
public class CitusAssemblyFactAttribute : Xunit.FactAttribute
{
    public CitusAssemblyFactAttribute() => Skip = TestEngine.Missing;
}

/// <summary>Every theory of this assembly.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class CitusAssemblyTheoryAttribute : Xunit.TheoryAttribute
{
    public CitusAssemblyTheoryAttribute() => Skip = TestEngine.Missing;
}
