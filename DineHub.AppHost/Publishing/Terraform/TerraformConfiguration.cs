using DineHub.Topology;

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
            File("main", file => Providers.Write(file, topology)),
            .. RegionsOf(topology),
            .. topology.Regions.Count > 1 ? [File("peering", file => RegionPeerings.Write(file, topology))] : Array.Empty<PublishedFile>(),
            File("iam", file =>
            {
                InstanceRoles.Write(file, topology);
                Snapshots.WriteRole(file, topology);
            }),
            File("buckets", file =>
            {
                BackupBucket.Write(file, topology);
                ImageBucket.Write(file, topology);
                ImageDelivery.Write(file, topology);
            }),
            File("dns", file =>
            {
                HealthChecks.Write(file, topology);
                DnsRecords.Write(file, topology);
            }),
            File("outputs", file => Outputs.Write(file, topology)),
        ];
    }

    private static IEnumerable<PublishedFile> RegionsOf(ClusterTopology topology)
    {
        var nodes = topology.Nodes.ToLookup(node => node.Region);
        return topology.Regions.Select(region => File("region-" + region.Name, file =>
        {
            var here = nodes[region.Name].ToList();
            Networks.Write(file, topology, region);
            SecurityGroups.Write(file, topology, region, here);
            MachineImages.Write(file, region, here);
            KeyPairs.Write(file, topology, region);
            Machines.Write(file, topology, region, here);
            PublicAddresses.Write(file, region, here);
            DataVolumes.Write(file, topology, region, here);
            Snapshots.Write(file, topology, region, here);
        }));
    }

    private static PublishedFile File(string name, Action<TerraformFile> write)
    {
        var file = new TerraformFile(name);
        write(file);
        return file.ToPublished();
    }
}
