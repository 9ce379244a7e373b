using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace DineHub.AppHost.Aspire;

/// <summary>The passwords and keys of the cluster: made at the first run, and kept among this project's user secrets, as the databases keep theirs.</summary>
/// <param name="builder">The application.</param>
internal sealed class ClusterPasswords(IDistributedApplicationBuilder builder)
{
    private const int Length = 32;

    /// <summary>The databases' superuser.</summary>
    public IResourceBuilder<ParameterResource> Postgres { get; } = Password(builder, "postgres-password");

    public IResourceBuilder<ParameterResource> Api { get; } = Password(builder, "api-password");

    public IResourceBuilder<ParameterResource> Migrator { get; } = Password(builder, "migrator-password");

    public IResourceBuilder<ParameterResource> Monitor { get; } = Password(builder, "monitor-password");

    public IResourceBuilder<ParameterResource> Replication { get; } = Password(builder, "replication-password");

    public IResourceBuilder<ParameterResource> OperatorKey { get; } = Password(builder, "operator-key");

    public IResourceBuilder<ParameterResource> DataProtectionKey { get; } =
        builder.AddParameter("data-protection-key", new GeneratedKey(), secret: true, persist: true);

    // Without special characters, which connection strings would have to quote.
    private static IResourceBuilder<ParameterResource> Password(IDistributedApplicationBuilder builder, string name) =>
        builder.AddParameter(name, new GenerateParameterDefault { MinLength = Length, Special = false }, secret: true, persist: true);
}
