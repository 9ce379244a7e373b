using System.Reflection;

namespace DineHub.AppHost.Composition;

/// <summary>What the project file writes into this assembly: where the checkout is, and where its programs are built to.</summary>
internal static class BuildMetadata
{
    public static string Get(string key) =>
        Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == key).Value!;
}
