using System.Text.Json;
using System.Text.Json.Serialization;
using DineHub.Database;

namespace DineHub.Api.Operations;

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(DatabaseStatus))]
internal sealed partial class StatusJson : JsonSerializerContext;
