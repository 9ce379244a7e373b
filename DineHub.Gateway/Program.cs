using DineHub.Gateway;
using DineHub.ServiceDefaults;

var app = GatewayApplication.Build(args);
return await app.RunAsync(GatewayApplication.ConfigurationErrors(app.Configuration));
