namespace DineHub.AppHost.Prerequisites;

/// <summary>The kind of database servers that a run uses.</summary>
internal abstract record DatabaseEngine
{
    private DatabaseEngine()
    {
    }

    /// <summary>PostgreSQL's programs of this machine, as processes.</summary>
    /// <param name="Installation">The programs.</param>
    /// <param name="UsesCitus">Whether Citus shards the data; the stock engine with postgres_fdw otherwise.</param>
    public sealed record Processes(PostgresInstallation Installation, bool UsesCitus) : DatabaseEngine;

    /// <summary>Containers of Citus' image.</summary>
    /// <param name="Runtime">The program that runs them; its engine has answered.</param>
    public sealed record Containers(ContainerRuntime Runtime) : DatabaseEngine;
}
