namespace DineHub.AppHost.Publishing.Monitoring;

/// <summary>How soon somebody must look.</summary>
internal enum Severity
{
    /// <summary>At once, at night too: customers notice, or data is at risk.</summary>
    Page,

    /// <summary>On the next working day.</summary>
    Ticket,
}

/// <summary>An alert (Prometheus documentation, "Alerting rules").</summary>
/// <param name="Name">Its name.</param>
/// <param name="Expression">PromQL.</param>
/// <param name="For">How long it must hold, such as <c>5m</c>.</param>
/// <param name="Severity">How soon somebody must look.</param>
/// <param name="Summary">One line; templates of Prometheus are filled in.</param>
/// <param name="Runbook">The page, below docs/, that says what to do.</param>
internal sealed record AlertRule(string Name, string Expression, string For, Severity Severity, string Summary, string Runbook)
{
    /// <summary>The group of database servers that it is of, where its expression has no such label; null elsewhere.</summary>
    public string? Group { get; init; }
}
