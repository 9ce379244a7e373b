using DineHub.Gateway;

var app = GatewayApplication.Build(args);
if (GatewayApplication.ConfigurationErrors(app.Configuration) is { Count: > 0 } errors)
{
    await Console.Error.WriteLineAsync("The configuration is not valid:" + string.Concat(errors.Select(error => $"{Environment.NewLine}  {error}")));
    return 78;
}

await app.RunAsync();
return 0;
