namespace DineHub.AppHost.Databases;

/// <summary>A setting of PostgreSQL.</summary>
/// <param name="Name">The parameter's name (PostgreSQL documentation, "Server Configuration").</param>
/// <param name="Value">Its value, unquoted, with the unit where it has one: <c>5s</c>.</param>
/// <param name="Places">Where it applies. A setting whose value differs between places has a row for each value.</param>
/// <param name="Why">The reason, in a clause.</param>
internal sealed record PlacedSetting(string Name, string Value, ServerPlaces Places, string Why)
{
    /// <summary>Whether servers without Citus go without it. Containers and machines always run Citus.</summary>
    public bool OnlyWithCitus { get; init; }
}
