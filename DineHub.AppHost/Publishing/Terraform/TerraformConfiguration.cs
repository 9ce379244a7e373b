using DineHub.AppHost.Topology;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>Writes what Terraform makes of a deployment: <c>generated/terraform/*.tf.json</c>.</summary>
internal static class TerraformConfiguration
{
    /// <summary>The files. The same topology gives the same texts.</summary>
    public static IReadOnlyList<PublishedFile> Write(ClusterTopology topology)
    {
        ArgumentNullException.ThrowIfNull(topology);
        return
        [
            Settings(topology),
            .. RegionsOf(topology),
            .. topology.Regions.Count > 1 ? [Peerings(topology)] : Array.Empty<PublishedFile>(),
            Permissions(topology),
            Storage(topology),
            Names(topology),
            Results(topology),
        ];
    }

    private static PublishedFile Settings(ClusterTopology topology)
    {
        var file = new TerraformFile("main");
        Providers.Write(file, topology);
        return file.ToPublished();
    }

    private static IEnumerable<PublishedFile> RegionsOf(ClusterTopology topology)
    {
        var nodes = topology.Nodes.ToLookup(node => node.Region);
        foreach (var region in topology.Regions)
        {
            var file = new TerraformFile("region-" + region.Name);
            var here = nodes[region.Name].ToList();
            Networks.Write(file, topology, region);
            SecurityGroups.Write(file, topology, region, here);
            MachineImages.Write(file, region, here);
            KeyPairs.Write(file, topology, region);
            Machines.Write(file, topology, region, here);
            PublicAddresses.Write(file, region, here);
            DataVolumes.Write(file, topology, region, here);
            Snapshots.Write(file, topology, region, here);
            yield return file.ToPublished();
        }
    }

    private static PublishedFile Peerings(ClusterTopology topology)
    {
        var file = new TerraformFile("peering");
        RegionPeerings.Write(file, topology);
        return file.ToPublished();
    }

    private static PublishedFile Permissions(ClusterTopology topology)
    {
        var file = new TerraformFile("iam");
        InstanceRoles.Write(file, topology);
        Snapshots.WriteRole(file, topology);
        return file.ToPublished();
    }

    private static PublishedFile Storage(ClusterTopology topology)
    {
        var file = new TerraformFile("buckets");
        BackupBucket.Write(file, topology);
        ImageBucket.Write(file, topology);
        ImageDelivery.Write(file, topology);
        return file.ToPublished();
    }

    private static PublishedFile Names(ClusterTopology topology)
    {
        var file = new TerraformFile("dns");
        HealthChecks.Write(file, topology);
        DnsRecords.Write(file, topology);
        return file.ToPublished();
    }

    private static PublishedFile Results(ClusterTopology topology)
    {
        var file = new TerraformFile("outputs");
        Outputs.Write(file, topology);
        return file.ToPublished();
    }
}
