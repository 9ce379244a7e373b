namespace DineHub.AppHost.Publishing.Monitoring;

/// <summary>A graph of a dashboard.</summary>
/// <param name="Title">What stands above it.</param>
/// <param name="Unit">Grafana's name of the unit: <c>s</c>, <c>bytes</c>, <c>reqps</c>, <c>percentunit</c>, <c>short</c>.</param>
/// <param name="Queries">PromQL, with how a line is called.</param>
internal sealed record Panel(string Title, string Unit, params (string Expression, string Legend)[] Queries);
