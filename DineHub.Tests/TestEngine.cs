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

    /// <summary>The programs of a PostgreSQL with the minor version of Citus before the installed one; null where the machine has none.</summary>
    public static string? FormerCitus => Environment.GetEnvironmentVariable(FormerVariable) is { Length: > 0 } directory ? directory : null;

    public const string FormerVariable = "DINEHUB_PG_BIN_FORMER";

    public static bool IsCitusInstalled => PostgresInstallation.Search(LocalMachine.Current) is { IsSupported: true, HasCitus: true };
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
    public FormerCitusFactAttribute()
    {
        if (TestEngine.FormerCitus is null)
        {
            Skip = $"No PostgreSQL with the former minor version of Citus is here: {TestEngine.FormerVariable} names none (docs/testing.md).";
        }
    }

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
