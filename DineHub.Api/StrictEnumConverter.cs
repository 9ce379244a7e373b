using System.Text.Json.Serialization;

namespace DineHub.Api;

/// <summary>Enumerations are their names in JSON, never numbers.</summary>
/// <typeparam name="T">The enumeration.</typeparam>
internal sealed class StrictEnumConverter<T>() : JsonStringEnumConverter<T>(namingPolicy: null, allowIntegerValues: false)
    where T : struct, Enum;
