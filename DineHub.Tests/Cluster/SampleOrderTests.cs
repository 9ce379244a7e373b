using DineHub.AppHost.Composition;

namespace DineHub.Tests.Cluster;

/// <summary>The order that a command of Aspire's dashboard places.</summary>
[Collection(ClusterCollection.Name)]
public sealed class SampleOrderTests(ClusterFixture fixture)
{
    [Fact]
    public async Task A_sample_order_is_placed_and_can_be_told_of()
    {
        var told = await SampleOrder.PlaceAsync(fixture.Eu, CancellationToken.None);
        told.ShouldMatch(@"^/api/v1/restaurants/[0-9a-f-]{36}/orders/[0-9a-f-]{36} at .+, \d+ minor units of [A-Z]{3}$");
    }

    [Fact]
    public async Task What_is_refused_is_told_with_its_status()
    {
        using var client = ClusterFixture.Client(fixture.Cluster.Gateways[0].ManagementUrl);
        (await Should.ThrowAsync<HttpRequestException>(() => SampleOrder.PlaceAsync(client, CancellationToken.None))).StatusCode.ShouldBe(System.Net.HttpStatusCode.NotFound);
    }
}
