using DineHub.AppHost.Prerequisites;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace DineHub.Tests;

/// <summary>
/// The engine that this assembly's clusters run on: stock PostgreSQL in DineHub.Tests, Citus in DineHub.Tests.Citus, which has the tests of clusters once more. Each has a part of
/// this class that says which.
/// </summary>
internal static partial class TestEngine
{
    public static string Name => IsCitus ? "citus" : "postgres";

    /// <summary>Why the engine is not there; null where it is.</summary>
    public static string? Missing { get; } = IsCitus && !IsCitusInstalled
        ? $"Citus is not installed for the PostgreSQL of {PostgresInstallation.DirectoryVariable}, nor for the installed one (https://docs.citusdata.com, 'Installation')."
        : null;

    public const string FormerVariable = "DINEHUB_PG_BIN_FORMER";

    public const string NextVariable = "DINEHUB_PG_BIN_NEXT";

    /// <summary>The programs of a PostgreSQL with the minor version of Citus before the installed one; null where the machine has none.</summary>
    public static string? Former { get; } = FolderIn(FormerVariable);

    /// <summary>The programs of a newer major version of PostgreSQL with the installed version of Citus; null where the machine has none.</summary>
    public static string? Next { get; } = FolderIn(NextVariable);

    public static bool IsCitusInstalled => PostgresInstallation.Search(LocalMachine.Current) is { IsSupported: true, HasCitus: true };

    private static string? FolderIn(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } directory ? directory : null;
}

/// <summary>A test of what only Citus does: one of DineHub.Tests.Citus.</summary>
[XunitTestCaseDiscoverer("DineHub.Tests." + nameof(EngineFactDiscoverer), TestEngine.AssemblyName)]
internal sealed class CitusFactAttribute : FactAttribute
{
    public bool IsCitus { get; } = true;
}

/// <summary>A test of an upgrade from the minor version of Citus before the installed one.</summary>
[XunitTestCaseDiscoverer("DineHub.Tests." + nameof(EngineFactDiscoverer), TestEngine.AssemblyName)]
internal sealed class FormerCitusFactAttribute : FactAttribute
{
    public FormerCitusFactAttribute() => Skip = TestEngine.Former is null ? $"PostgreSQL with the former minor version of Citus: {TestEngine.FormerVariable} names none (docs/testing.md)." : null;

    public bool IsCitus { get; } = true;
}

/// <summary>A test of an upgrade to a newer major version of PostgreSQL.</summary>
[XunitTestCaseDiscoverer("DineHub.Tests." + nameof(EngineFactDiscoverer), TestEngine.AssemblyName)]
internal sealed class NextPostgresFactAttribute : FactAttribute
{
    public NextPostgresFactAttribute() => Skip = TestEngine.Next is null ? $"A newer major version of PostgreSQL with Citus: {TestEngine.NextVariable} names none (docs/testing.md)." : null;

    public bool IsCitus { get; } = true;
}

/// <summary>A test of what only the stock engine does: one of DineHub.Tests.</summary>
[XunitTestCaseDiscoverer("DineHub.Tests." + nameof(EngineFactDiscoverer), TestEngine.AssemblyName)]
internal sealed class StockFactAttribute : FactAttribute
{
    public bool IsCitus { get; }
}

/// <summary>Finds a test in the assembly of its engine, and in no other.</summary>
/// <param name="messages">Where xunit is told of problems.</param>
public sealed class EngineFactDiscoverer(IMessageSink messages) : IXunitTestCaseDiscoverer
{
    private readonly FactDiscoverer facts = new(messages);

    /// <inheritdoc/>
    public IEnumerable<IXunitTestCase> Discover(ITestFrameworkDiscoveryOptions discoveryOptions, ITestMethod testMethod, IAttributeInfo factAttribute)
    {
        ArgumentNullException.ThrowIfNull(factAttribute);
        return factAttribute.GetNamedArgument<bool>(nameof(CitusFactAttribute.IsCitus)) == TestEngine.IsCitus ? facts.Discover(discoveryOptions, testMethod, factAttribute) : [];
    }
}
