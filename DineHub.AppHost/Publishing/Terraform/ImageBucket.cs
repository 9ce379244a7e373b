using System.Text.Json.Nodes;
using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>The bucket of <see cref="Buckets.Images"/>: browsers send to it what a backend has signed, and CloudFront alone reads it.</summary>
internal static class ImageBucket
{
    private const string Name = "images";
    private const int PreflightSeconds = 3600;

    public const string OriginsVariable = "image_upload_origins";

    public static TerraformReference Reference { get; } = BucketResources.Reference(Name);

    /// <summary>The ARN of what the API keeps there.</summary>
    public static string Objects { get; } = Reference["arn"] + "/menus/*";

    public static void Write(TerraformFile file, ClusterTopology topology)
    {
        var bucket = Buckets.Of(topology).Images;
        BucketResources.Write(file, Name, bucket, new PolicyStatement(["s3:GetObject"], Objects)
        {
            Principal = new PolicyPrincipal("Service", "cloudfront.amazonaws.com"),
            Conditions = [new("StringEquals", "AWS:SourceArn", ImageDelivery.Reference["arn"])],
        });
        file.Resource("aws_s3_bucket_cors_configuration", Name, BucketResources.Settings(Name, bucket, ("cors_rule", new JsonObject
        {
            ["allowed_origins"] = $"${{var.{OriginsVariable}}}",
            ["allowed_methods"] = new JsonArray("PUT"),
            ["allowed_headers"] = new JsonArray("content-type", "cache-control"),
            ["max_age_seconds"] = PreflightSeconds,
        })));
    }
}
