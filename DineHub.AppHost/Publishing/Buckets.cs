using System.Security.Cryptography;
using System.Text;
using DineHub.Topology;

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
    /// <summary>The folder of <see cref="Backups"/> that database machines may use; what pgBackRest's repository is by default.</summary>
    public const string DatabaseFolder = "dinehub";

    /// <summary>The folder of <see cref="Backups"/> that Headscale's machine may use.</summary>
    public const string HeadscaleFolder = "headscale";

    private const string BackupsSuffix = "-backups";
    private const string ImagesSuffix = "-images";
    private const int MaxNameLength = 63;
    private const int HashDigits = 16;

    /// <summary>The buckets of a deployment, in its first region: the domain with hyphens for its dots, and what they are for.</summary>
    public static Buckets Of(ClusterTopology topology)
    {
        var prefix = topology.Domain.Replace('.', '-');
        if (prefix.Length + BackupsSuffix.Length > MaxNameLength || prefix.StartsWith("xn--", StringComparison.Ordinal))
        {
            // Longer than S3 takes, or with a beginning that it keeps for itself.
            prefix = "dinehub-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(topology.Domain)))[..HashDigits];
        }

        var region = topology.Regions[0].Name;
        return new Buckets(new Bucket(prefix + BackupsSuffix, region), new Bucket(prefix + ImagesSuffix, region));
    }
}
