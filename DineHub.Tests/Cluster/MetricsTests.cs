using System.Net;
using DineHub.Tests.Metrics;

namespace DineHub.Tests.Cluster;

/// <summary>What the services tell Prometheus.</summary>
[Collection(ClusterCollection.Name)]
public sealed class MetricsTests(ClusterFixture fixture)
{
    [Fact]
    public async Task An_order_is_counted_by_the_backend_that_took_it()
    {
        using var backend = ClusterFixture.Client(fixture.Cluster.Backends[0].Url);
        var before = Placed(await backend.GetStringAsync("/metrics"));
        using var response = await ClusterFixture.PlaceAsync(backend, fixture.OrdersOf("trattoria-lucia"), ClusterFixture.Basket());
        response.StatusCode.ShouldBe(HttpStatusCode.Created);

        var text = await backend.GetStringAsync("/metrics");
        Placed(text).ShouldBeGreaterThan(before);
        PrometheusText.Comments(text, "TYPE")["dinehub_orders_total"].ShouldBe("counter");
        PrometheusText.Comments(text, "HELP").ShouldContainKey("dinehub_orders_total");
        var target = PrometheusText.Read(text).Single(sample => sample.Name == "target_info").Labels;

        // The name of the resource, by which the dashboard finds its telemetry.
        (target["service_name"], target["cloud_region"]).ShouldBe(("backend-eu-1", "eu-west-1"));
        target["service_instance_id"].ShouldNotBeEmpty();
    }

    [Fact]
    public async Task The_runtime_requests_and_the_database_are_measured_too()
    {
        using var backend = ClusterFixture.Client(fixture.Cluster.Backends[0].Url);
        (await backend.GetAsync("/api/v1/restaurants")).EnsureSuccessStatusCode().Dispose();
        var types = PrometheusText.Comments(await backend.GetStringAsync("/metrics"), "TYPE");
        types["http_server_request_duration_seconds"].ShouldBe("histogram");
        types["db_client_operation_duration_seconds"].ShouldBe("histogram");
        types["dotnet_gc_collections_total"].ShouldBe("counter");
        types["dotnet_process_memory_working_set_bytes"].ShouldBe("gauge");
    }

    [Fact]
    public async Task The_public_gets_no_metrics_from_a_gateway()
    {
        using var response = await fixture.Eu.GetAsync("/metrics");
        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [RequiresProgramFact(PromTool.Program, PromTool.Package)]
    public async Task Prometheus_reads_a_backends_metrics_and_objects_to_none_of_ours()
    {
        using var backend = ClusterFixture.Client(fixture.Cluster.Backends[0].Url);
        using var response = await ClusterFixture.PlaceAsync(backend, fixture.OrdersOf("trattoria-lucia"), ClusterFixture.Basket());
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await PromTool.CheckAsync(await backend.GetStringAsync("/metrics"))).ShouldNotContain(line => line.StartsWith("dinehub_"));
    }

    // Other tests order at the same time, so there is no saying how many there are.
    private static double Placed(string text) => PrometheusText.Read(text)
        .Where(sample => sample.Name == "dinehub_orders_total" && sample.Labels["status"] == "Placed")
        .Sum(sample => sample.Value);
}
