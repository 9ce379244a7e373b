using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>The bucket of <see cref="Buckets.Backups"/>.</summary>
internal static class BackupBucket
{
    private const string Name = "backups";

    public static TerraformReference Reference { get; } = BucketResources.Reference(Name);

    public static void Write(TerraformFile file, ClusterTopology topology) => BucketResources.Write(file, Name, Buckets.Of(topology).Backups);
}
