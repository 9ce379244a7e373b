using DineHub.AppHost.Topology;

namespace DineHub.AppHost.Publishing;

/// <summary>A bucket of Amazon S3.</summary>
/// <param name="Name">Its name, unique in all of S3.</param>
/// <param name="Region">Its region.</param>
internal sealed record Bucket(string Name, string Region);

/// <summary>A deployment's buckets.</summary>
/// <param name="Backups">What pgBackRest writes, and Headscale's state.</param>
/// <param name="Images">The restaurants' pictures.</param>
internal sealed record Buckets(Bucket Backups, Bucket Images)
{
    /// <summary>The buckets of a deployment, in its first region.</summary>
    public static Buckets Of(ClusterTopology topology)
    {
        var prefix = topology.Domain.Replace('.', '-');
        var region = topology.Regions[0].Name;
        return new Buckets(new Bucket(prefix + "-backups", region), new Bucket(prefix + "-images", region));
    }
}
