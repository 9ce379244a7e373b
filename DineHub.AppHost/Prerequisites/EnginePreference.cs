namespace DineHub.AppHost.Prerequisites;

/// <summary>The engine that the user asks for: the option <c>--engine</c>.</summary>
internal enum EnginePreference
{
    /// <summary>The best one that is there: Citus or stock PostgreSQL as processes, else Citus in containers.</summary>
    Auto,

    /// <summary>Stock PostgreSQL as processes, also where Citus is installed.</summary>
    Postgres,

    /// <summary>Citus: as processes where it is installed, else in containers.</summary>
    Citus,
}
