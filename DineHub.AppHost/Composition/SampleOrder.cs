using System.Net.Http.Json;
using System.Text.Json;

namespace DineHub.AppHost.Composition;

/// <summary>An order as a guest places it: one item at the first restaurant that takes orders now. A command of Aspire's dashboard places it.</summary>
internal static class SampleOrder
{
    /// <summary>Places it.</summary>
    /// <param name="client">A client of a gateway.</param>
    /// <param name="ct">Cancels it.</param>
    /// <returns>Where it is, and what it costs, for people.</returns>
    /// <exception cref="HttpRequestException">It was refused; the message is the problem's.</exception>
    public static async Task<string> PlaceAsync(HttpClient client, CancellationToken ct)
    {
        using var page = JsonDocument.Parse(await client.GetStringAsync("/api/v1/restaurants?limit=1&acceptingOrders=true", ct));
        if (page.RootElement.GetProperty("items").EnumerateArray().FirstOrDefault() is not { ValueKind: JsonValueKind.Object } restaurant)
        {
            throw new HttpRequestException("No restaurant takes orders now.");
        }

        var path = $"/api/v1/restaurants/{restaurant.GetProperty("id").GetGuid()}";
        using var menu = JsonDocument.Parse(await client.GetStringAsync(path + "/menu", ct));
        using var request = new HttpRequestMessage(HttpMethod.Post, path + "/orders")
        {
            Content = JsonContent.Create(new
            {
                fulfilment = new { type = "Table", table = "7" },
                lines = new[] { new { itemId = PlainItem(menu.RootElement), quantity = 1 } },
            }),
        };
        request.Headers.Add("Idempotency-Key", Guid.NewGuid().ToString());
        using var response = await client.SendAsync(request, ct);
        var answer = await response.Content.ReadAsStringAsync(ct);
        if (!response.IsSuccessStatusCode)
        {
            throw new HttpRequestException($"The order was answered {(int)response.StatusCode}: {answer}", inner: null, response.StatusCode);
        }

        using var order = JsonDocument.Parse(answer);
        var (total, currency) = (order.RootElement.GetProperty("total").GetInt64(), order.RootElement.GetProperty("currency").GetString());
        return $"{path}/orders/{order.RootElement.GetProperty("id").GetGuid()} at {restaurant.GetProperty("name").GetString()}, {total} minor units of {currency}";
    }

    // Without options that must be chosen.
    private static string PlainItem(JsonElement menu) => menu.GetProperty("categories").EnumerateArray()
        .SelectMany(category => category.GetProperty("items").EnumerateArray())
        .First(item => item.GetProperty("modifierGroups").EnumerateArray().All(group => group.GetProperty("min").GetInt32() == 0))
        .GetProperty("id").GetString()!;
}
