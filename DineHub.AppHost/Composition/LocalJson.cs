using System.Text.Json;
using System.Text.Json.Serialization;
using DineHub.AppHost.Running;

namespace DineHub.AppHost.Composition;

/// <summary>The files of a data folder.</summary>
[JsonSerializable(typeof(ClusterSecrets))]
[JsonSerializable(typeof(ClusterState))]
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true, UseStringEnumConverter = true)]
internal sealed partial class LocalJson : JsonSerializerContext;
