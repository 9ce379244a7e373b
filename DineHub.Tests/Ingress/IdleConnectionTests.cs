namespace DineHub.Tests.Ingress;

/// <summary>Ten thousand clients that have asked once and keep their connections.</summary>
public sealed class IdleConnectionTests
{
    private const int Plain = 9000;
    private const int Secure = 1000;

    [Theory, OnGateway, OnNginx]
    public async Task Requests_are_served_beside_ten_thousand_idle_connections(IngressKind ingress)
    {
        await using var scene = await IngressScene.StartAsync(ingress, IngressScene.Policy with { IdleTimeoutSeconds = 600 }, asProcess: true);
        var connections = new RawConnection?[Plain + Secure];
        try
        {
            await Parallel.ForAsync(0, connections.Length, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
            {
                connections[i] = i < Plain ? await scene.ConnectPlainAsync() : await scene.ConnectAsync();
                (await AskAsync(connections[i]!)).ShouldBe(i < Plain ? 308 : 404);
            });

            (await scene.AnswersAsync(200, atOnce: 8)).Keys.ShouldBe(["eu-1", "eu-2"], ignoreOrder: true);
            await using (var another = await scene.ConnectAsync())
            {
                (await AskAsync(another)).ShouldBe(404);
            }

            // None has been given up for the others.
            foreach (var i in new[] { 0, Plain / 2, Plain - 1, Plain, Plain + Secure - 1 })
            {
                (await AskAsync(connections[i]!)).ShouldBe(i < Plain ? 308 : 404);
            }
        }
        finally
        {
            foreach (var connection in connections)
            {
                await (connection?.DisposeAsync() ?? ValueTask.CompletedTask);
            }
        }
    }

    private static async Task<int?> AskAsync(RawConnection connection)
    {
        await connection.SendAsync("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        return (await connection.ReadAnswerAsync())?.Status;
    }
}
