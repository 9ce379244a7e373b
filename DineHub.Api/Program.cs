using System.CommandLine;
using DineHub.Api;
using DineHub.Api.Operations;

if (args is ["db", ..])
{
    var configuration = new ConfigurationBuilder().AddEnvironmentVariables().Build();
    return await new RootCommand("DineHub's backend. Without a verb it serves the HTTP API.") { DbCommand.Create(configuration) }.Parse(args).InvokeAsync();
}

var app = ApiApplication.Build(args);
if (ApiApplication.ConfigurationErrors(app.Configuration) is { Count: > 0 } errors)
{
    await Console.Error.WriteLineAsync("The configuration is not valid:" + string.Concat(errors.Select(error => $"{Environment.NewLine}  {error}")));
    return 78;
}

await app.RunAsync();
return 0;
