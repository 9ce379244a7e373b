using System.Net;
using Npgsql;

namespace DineHub.Tests.Failover;

/// <summary>A worker whose disk is full.</summary>
[Collection(FaultCollection.Name)]
public sealed class FullDiskTests(FaultFixture fixture)
{
    [SmallDiskFact]
    public async Task A_full_disk_refuses_the_orders_of_its_restaurants_and_takes_them_again_by_itself_when_there_is_room()
    {
        await fixture.HealAsync();
        await EnsurePrimaryAsync();
        await using var load = new FaultLoad(fixture);
        await load.ReachAsync(20);
        try
        {
            await FillAsync();
            await load.ReachAsync(20);

            // So far a table could not grow. Now the log can't, and the server ends itself.
            await Eventually.TrueAsync(IsOutOfLogAsync, "the server cannot write its log");
            await ShouldRefuseAsync();
            await load.ReachAsync(20);
        }
        finally
        {
            fixture.Disk!.Free();
        }

        await fixture.TakeOrdersAsync();
        await fixture.HealAsync();
        await load.StopAsync();
        await load.VerifyAsync();
        (await LogFile.ReadAsync(fixture.Server(FaultFixture.SmallWorker).LogFile)).ShouldContain("PANIC:  could not write");
    }

    [SmallDiskFact]
    public async Task The_standby_of_a_full_disk_can_take_over()
    {
        await fixture.HealAsync();
        await EnsurePrimaryAsync();
        var (old, next) = await fixture.GroupAsync(FaultFixture.SmallWorker);
        await using var load = new FaultLoad(fixture);
        await load.ReachAsync(20);
        try
        {
            await FillAsync();
            await fixture.Cluster.PromoteAsync(FaultFixture.SmallWorker, CancellationToken.None);
            await fixture.TakeOrdersAsync();
        }
        finally
        {
            fixture.Disk!.Free();
        }

        await fixture.HealAsync();
        await load.StopAsync();
        await load.VerifyAsync();
        (await fixture.GroupAsync(FaultFixture.SmallWorker)).ShouldBe((next, old));
    }

    // Another test may have promoted its standby.
    private async Task EnsurePrimaryAsync()
    {
        if ((await fixture.GroupAsync(FaultFixture.SmallWorker)).Primary.Name != FaultFixture.SmallWorker)
        {
            await fixture.Cluster.PromoteAsync(FaultFixture.SmallWorker, CancellationToken.None);
            await fixture.HealAsync();
        }
    }

    private Task FillAsync() => Eventually.TrueAsync(
        async () =>
        {
            fixture.Disk!.Fill();
            using var response = await fixture.PlaceAsync(Restaurant());
            return response.StatusCode != HttpStatusCode.Created && await IsRefusalAsync(response);
        },
        "a table cannot grow");

    private async Task ShouldRefuseAsync()
    {
        using var response = await fixture.PlaceAsync(Restaurant());
        await IsRefusalAsync(response);
    }

    private static async Task<bool> IsRefusalAsync(HttpResponseMessage response)
    {
        response.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable, await response.Content.ReadAsStringAsync());
        response.Headers.RetryAfter.ShouldNotBeNull();
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        return true;
    }

    private async Task<bool> IsOutOfLogAsync()
    {
        try
        {
            fixture.Disk!.Fill();
            await using var server = fixture.Connect(FaultFixture.SmallWorker);
            await using var command = server.CreateCommand("SELECT pg_logical_emit_message(false, 'dinehub', repeat('x', 4000000))");
            await command.ExecuteNonQueryAsync();
            return false;
        }
        catch (NpgsqlException)
        {
            return true;
        }
    }

    private (Guid Id, string Worker, object Basket) Restaurant() => fixture.Restaurants.First(restaurant => restaurant.Worker == FaultFixture.SmallWorker);
}
