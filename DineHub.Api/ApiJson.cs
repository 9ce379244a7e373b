using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using DineHub.Api.Menus;
using DineHub.Api.Orders;
using DineHub.Api.Restaurants;
using Microsoft.AspNetCore.Mvc;
using Npgsql;

namespace DineHub.Api;

/// <summary>Everything that crosses the wire or is kept as a document.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    NumberHandling = JsonNumberHandling.Strict,
    AllowDuplicateProperties = false,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RestaurantPage))]
[JsonSerializable(typeof(MenuDocument))]
[JsonSerializable(typeof(Menu))]
[JsonSerializable(typeof(PlaceOrderRequest))]
[JsonSerializable(typeof(ChangeStatusRequest))]
[JsonSerializable(typeof(Order))]
[JsonSerializable(typeof(IReadOnlyList<OrderLine>))]
[JsonSerializable(typeof(IReadOnlyList<OrderEvent>))]
[JsonSerializable(typeof(ProblemDetails))]
[JsonSerializable(typeof(HttpValidationProblemDetails))]
[JsonSerializable(typeof(Dictionary<string, string[]>))]
[JsonSerializable(typeof(string[]))]
internal sealed partial class ApiJson : JsonSerializerContext;

/// <summary>Reads documents from rows.</summary>
internal static class JsonColumns
{
    public static T GetJson<T>(this NpgsqlDataReader row, int ordinal, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(row.GetFieldValue<byte[]>(ordinal), type)
        ?? throw new InvalidDataException($"Column {row.GetName(ordinal)} holds null.");
}
