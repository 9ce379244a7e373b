using System.Text.Json;
using System.Text.Json.Serialization;
using DineHub.Database.Cluster;
using DineHub.Database.Growth;

namespace DineHub.Api.Operations;

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(DatabaseStatus))]
[JsonSerializable(typeof(ShardReport))]
internal sealed partial class StatusJson : JsonSerializerContext;
