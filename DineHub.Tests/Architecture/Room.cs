using System.Reflection;
using System.Text.RegularExpressions;
using NetArchTest.Rules;

namespace DineHub.Tests.Architecture;

/// <summary>A folder of a project: the types of a namespace. The room "" has those of the project's root alone.</summary>
internal sealed record Room(Assembly Assembly, string Name)
{
    private string Namespace => Name.Length == 0 ? Assembly.GetName().Name! : $"{Assembly.GetName().Name}.{Name}";

    /// <summary>The types of this room that use another room.</summary>
    public IReadOnlyList<string> TypesThatUse(Room other) =>
        [.. Types.InAssembly(Assembly).That().ResideInNamespaceMatching(Pattern).ShouldNot().HaveDependencyOnAny(other.Targets).GetResult().FailingTypeNames ?? []];

    /// <summary>A room that is renamed or empty would depend on nothing, whatever the code does.</summary>
    public void ShouldHaveTypes() => Types.InAssembly(Assembly).That().ResideInNamespaceMatching(Pattern).GetTypes().ShouldNotBeEmpty($"{Namespace} has no types");

    // NetArchTest takes a name for a prefix, of namespaces as of types.
    private string[] Targets => Name.Length == 0
        ? [.. Assembly.GetTypes().Where(type => type.Namespace == Namespace && !type.IsNested).Select(type => type.FullName!)]
        : [Namespace];

    private string Pattern => $"^{Regex.Escape(Namespace)}{(Name.Length == 0 ? "$" : @"(\.|$)")}";
}
