using DineHub.AppHost.Prerequisites;

namespace DineHub.Tests;

/// <summary>
/// Which engine the clusters of the tests run on: Citus where its extension is installed, stock PostgreSQL otherwise, or what DINEHUB_TEST_ENGINE
/// says (<c>citus</c>, <c>postgres</c>).
/// </summary>
internal static class TestEngine
{
    public const string Variable = "DINEHUB_TEST_ENGINE";

    public static string Name { get; } = Environment.GetEnvironmentVariable(Variable)?.ToUpperInvariant() switch
    {
        null or "" => "auto",
        "CITUS" => "citus",
        "POSTGRES" => "postgres",
        var other => throw new InvalidOperationException($"{Variable} must be 'citus' or 'postgres', but is '{other}'."),
    };

    public static bool IsCitus { get; } = Name == "citus" || (Name == "auto" && IsCitusInstalled);

    public static bool IsCitusInstalled => PostgresInstallation.Search(LocalMachine.Current) is { IsSupported: true, HasCitus: true };
}

/// <summary>A test that needs Citus: skipped, with the reason, where the tests run on the stock engine.</summary>
internal sealed class CitusFactAttribute : FactAttribute
{
    public CitusFactAttribute()
    {
        if (!TestEngine.IsCitus)
        {
            Skip = "The Citus extension is not installed for this PostgreSQL (https://docs.citusdata.com/, 'Installation'): the tests run on the stock engine.";
        }
    }
}

/// <summary>A test of what only the stock engine does: skipped, with the reason, where the tests run on Citus.</summary>
internal sealed class StockFactAttribute : FactAttribute
{
    public StockFactAttribute()
    {
        if (TestEngine.IsCitus)
        {
            Skip = "The tests run on Citus; DINEHUB_TEST_ENGINE=postgres runs them on the stock engine.";
        }
    }
}
