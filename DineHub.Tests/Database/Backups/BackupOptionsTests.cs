using DineHub.Database.Backups;
using DineHub.Database.Cluster;
using Microsoft.Extensions.Configuration;

namespace DineHub.Tests.Database.Backups;

public sealed class BackupOptionsTests
{
    // As DineHub.Api has it where the AppHost runs the servers in containers.
    [Fact]
    public void Servers_in_containers_have_no_backups_and_the_message_states_that() =>
        Should.Throw<DatabaseConfigurationException>(() => BackupOptions.Read(new ConfigurationBuilder().Build())).Errors.ShouldHaveSingleItem()
            .ShouldBe("Database:Servers: is empty. Backups are taken where the servers run as processes (Database:Servers:0:Name, :DataDirectory); servers in containers have none.");
}
