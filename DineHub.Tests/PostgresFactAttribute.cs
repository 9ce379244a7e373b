using DineHub.AppHost.Prerequisites;

namespace DineHub.Tests;

/// <summary>A fact about PostgreSQL's own programs, which is skipped, with the reason, where there is no PostgreSQL for the stock engine.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PostgresFactAttribute : FactAttribute
{
    public PostgresFactAttribute()
    {
        try
        {
            if (!PostgresInstallation.Find().HasForeignDataWrapper)
            {
                Skip = "PostgreSQL has no postgres_fdw: apt-get install postgresql-contrib";
            }
        }
        catch (PrerequisiteException e)
        {
            Skip = e.Message;
        }
    }
}
