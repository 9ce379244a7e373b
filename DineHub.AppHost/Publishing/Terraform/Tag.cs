using System.Text.Json.Nodes;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>The tags that say what something is, beside those that every resource has.</summary>
internal static class Tag
{
    /// <summary>What the console shows.</summary>
    public static JsonObject Name(string name) => new() { ["Name"] = name };
}
