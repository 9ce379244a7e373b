using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace DineHub.Api.Accounts.Keys;

/// <summary>
/// A replica is ready when it has read the keys once: before that it would call every token invalid. Afterwards it keeps them in memory.
/// </summary>
internal sealed class KeyRingCheck(IDataProtectionProvider protection) : IHealthCheck
{
    private volatile bool loaded;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!loaded)
        {
            try
            {
                protection.CreateProtector(nameof(KeyRingCheck)).Protect([1]);
                loaded = true;
            }
            catch (Exception e) when (e is NpgsqlException or System.Security.Cryptography.CryptographicException)
            {
                return Task.FromResult(new HealthCheckResult(context.Registration.FailureStatus, "The data-protection keys cannot be read: " + e.Message.Split('\n')[0]));
            }
        }

        return Task.FromResult(HealthCheckResult.Healthy());
    }
}
