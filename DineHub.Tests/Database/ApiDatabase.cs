using DineHub.Api.Data;
using DineHub.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DineHub.Tests.Database;

/// <summary>The API's registration of the database in an application with nothing else.</summary>
internal static class ApiDatabase
{
    public static WebApplication Build(params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create<string, string?>(setting.Key, setting.Value)));
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.AddServiceDefaults();
        builder.AddDatabase();
        builder.Logging.ClearProviders();
        return builder.Build();
    }

    /// <summary>The connection string of the data source that is injected, without the password.</summary>
    public static NpgsqlConnectionStringBuilder Settings(params (string Key, string Value)[] settings)
    {
        using var services = Build(settings).Services as ServiceProvider;
        return new NpgsqlConnectionStringBuilder(services!.GetRequiredService<NpgsqlDataSource>().ConnectionString);
    }
}
