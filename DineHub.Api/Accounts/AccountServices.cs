using DineHub.Api.Accounts.Keys;
using Microsoft.AspNetCore.Authentication.BearerToken;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace DineHub.Api.Accounts;

/// <summary>Registers who may do what.</summary>
internal static class AccountServices
{
    // The framework's discriminator is the folder that a program lies in, which differs from machine to machine.
    private const string Application = "dinehub";
    private const string Either = "Either";

    public static IServiceCollection AddAccounts(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddAuthentication(Either)
            .AddPolicyScheme(Either, displayName: null, options => options.ForwardDefaultSelector = Choose)
            .AddScheme<OperatorKeyOptions, OperatorKeyHandler>(
                OperatorKeyOptions.Scheme, options => options.Key = configuration[OperatorKeyOptions.ConfigurationKey])
            .AddBearerToken(BearerTokenDefaults.AuthenticationScheme, options =>
            {
                options.BearerTokenExpiration = SignIns.AccessTokenLifetime;
                options.RefreshTokenExpiration = SignIns.RefreshTokenLifetime;
            });
        services.AddAuthorizationBuilder().SetFallbackPolicy(Access.DenyAll);
        services.AddSingleton<IAuthorizationHandler, StaffRequirementHandler>();
        services.AddSingleton<IAuthorizationHandler, AccountRequirementHandler>();

        services.AddDataProtection().SetApplicationName(Application);
        services.AddSingleton<IXmlRepository, KeyRepository>();
        if (MasterKey.TryRead(configuration) is { } master)
        {
            services.AddSingleton(master);
        }

        services.AddSingleton<IConfigureOptions<KeyManagementOptions>>(provider => new ConfigureOptions<KeyManagementOptions>(keys =>
        {
            keys.XmlRepository = provider.GetRequiredService<IXmlRepository>();
            keys.XmlEncryptor = new KeyEncryptor(provider.GetRequiredService<MasterKey>());
        }));
        services.AddHealthChecks().AddCheck<KeyRingCheck>("keys", tags: ["ready"]);

        services.AddSingleton<IPasswordHasher<StoredAccount>, PasswordHasher<StoredAccount>>();
        services.AddSingleton<AccountStore>().AddSingleton<StaffStore>().AddSingleton<SignIns>().AddSingleton<GuessThrottle>();
        return services;
    }

    private static string Choose(HttpContext http) =>
        http.RequestServices.GetRequiredService<IOptionsMonitor<OperatorKeyOptions>>().Get(OperatorKeyOptions.Scheme).Matches(BearerTokens.Read(http.Request))
            ? OperatorKeyOptions.Scheme
            : BearerTokenDefaults.AuthenticationScheme;
}
