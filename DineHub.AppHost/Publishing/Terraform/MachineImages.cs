using System.Text.Json.Nodes;
using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>The official images of NixOS (https://nixos.github.io/amis/), which are looked up, the newest of a release.</summary>
internal static class MachineImages
{
    private const string Owner = "427812963091";

    public const string ReleaseVariable = "nixos_release";

    /// <summary>The newest release that images are uploaded for. It is only what a machine boots from before it is deployed to.</summary>
    public const string Release = "26.05";

    /// <summary>The image for an instance type.</summary>
    public static TerraformReference Of(string instanceType, string region) => TerraformReference.Data("aws_ami", NameOf(region, Architecture(instanceType)));

    public static void Write(TerraformFile file, Region region, IReadOnlyList<Node> nodes)
    {
        foreach (var architecture in nodes.Select(node => Architecture(node.InstanceType)).Distinct().Order(StringComparer.Ordinal))
        {
            file.Data("aws_ami", NameOf(region.Name, architecture), new JsonObject
            {
                ["provider"] = Providers.Of(region.Name),
                ["owners"] = new JsonArray(Owner),
                ["most_recent"] = true,
                ["filter"] = new JsonArray(Filter("name", $"nixos/${{var.{ReleaseVariable}}}*"), Filter("architecture", architecture)),
            });
        }
    }

    private static JsonObject Filter(string name, string value) => new() { ["name"] = name, ["values"] = new JsonArray(value) };

    private static string Architecture(string instanceType) => InstanceType.IsArm(instanceType) ? "arm64" : "x86_64";

    private static string NameOf(string region, string architecture) => $"{region}_{architecture}";
}
