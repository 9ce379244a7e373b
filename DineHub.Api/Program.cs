using System.CommandLine;
using DineHub.Api;
using DineHub.Api.Operations;
using DineHub.ServiceDefaults;

if (args is ["db", ..])
{
    var configuration = new ConfigurationBuilder().AddEnvironmentVariables().Build();
    return await new RootCommand("DineHub's backend. Without a verb it serves the HTTP API.") { DbCommand.Create(configuration) }.Parse(args).InvokeAsync();
}

var app = ApiApplication.Build(args);
return await app.RunAsync(ApiApplication.ConfigurationErrors(app.Configuration));
