using System.Text.Json.Nodes;
using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>Terraform's own settings, the AWS provider of each region, and what an operator may set.</summary>
internal static class Providers
{
    private const string Backend =
        "Where the state is kept is the operator's to say, in a backend.tf beside this file: remote, encrypted and locked, as it names every machine.";

    /// <summary>The provider of a region, for a resource's <c>provider</c>.</summary>
    public static string Of(string region) => "aws." + region;

    /// <summary>The partition that ARNs begin with: <c>aws</c>, but for China and governments.</summary>
    public static string Partition { get; } = TerraformReference.Data("aws_partition", "current")["partition"];

    public static void Write(TerraformFile file, ClusterTopology topology)
    {
        file.Block("terraform", new JsonObject
        {
            [TerraformFile.Comment] = Backend,
            ["required_version"] = ">= 1.10",
            ["required_providers"] = new JsonObject { ["aws"] = new JsonObject { ["source"] = "hashicorp/aws", ["version"] = "~> 5.100" } },
        });

        // The first has no alias: it makes what is in no region.
        file.Block("provider", new JsonObject
        {
            ["aws"] = new JsonArray([Provider(topology, topology.Regions[0], alias: null), .. topology.Regions.Select(region => Provider(topology, region, region.Name))]),
        });
        file.Variable(
            MachineImages.ReleaseVariable,
            "string",
            "The NixOS release of the image that new machines boot from; deploying brings the release that flake.nix names.",
            MachineImages.Release);
        file.Variable(
            ImageBucket.OriginsVariable,
            "list(string)",
            "The origins of the web sites that may upload images from browsers.",
            new JsonArray("https://" + topology.Domain));
        file.Data("aws_partition", "current", []);
    }

    private static JsonObject Provider(ClusterTopology topology, Region region, string? alias)
    {
        var provider = new JsonObject();
        if (alias is not null)
        {
            provider["alias"] = alias;
        }

        provider["region"] = region.Name;
        provider["default_tags"] = new JsonObject { ["tags"] = new JsonObject { ["project"] = topology.Name } };
        return provider;
    }
}
