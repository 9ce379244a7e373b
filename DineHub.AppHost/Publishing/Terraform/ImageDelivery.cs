using System.Text.Json.Nodes;
using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>CloudFront in front of the images: the bucket itself stays closed.</summary>
internal static class ImageDelivery
{
    private const string Name = "images";

    /// <summary>The distribution.</summary>
    public static TerraformReference Reference { get; } = TerraformReference.Resource("aws_cloudfront_distribution", Name);

    public static void Write(TerraformFile file, ClusterTopology topology)
    {
        var access = file.Resource("aws_cloudfront_origin_access_control", Name, new JsonObject
        {
            ["name"] = DeploymentName.With(topology, Name),
            ["origin_access_control_origin_type"] = "s3",
            ["signing_behavior"] = "always",
            ["signing_protocol"] = "sigv4",
        });
        var caching = file.Data("aws_cloudfront_cache_policy", Name, new JsonObject { ["name"] = "Managed-CachingOptimized" });
        var headers = file.Data("aws_cloudfront_response_headers_policy", Name, new JsonObject { ["name"] = "Managed-SecurityHeadersPolicy" });
        file.Resource("aws_cloudfront_distribution", Name, new JsonObject
        {
            ["comment"] = $"Images of {topology.Name}",
            ["enabled"] = true,
            ["is_ipv6_enabled"] = true,
            ["http_version"] = "http2and3",
            ["price_class"] = "PriceClass_100",
            ["origin"] = new JsonObject
            {
                ["origin_id"] = Name,
                ["domain_name"] = ImageBucket.Reference["bucket_regional_domain_name"],
                ["origin_access_control_id"] = access.Id,
            },
            ["default_cache_behavior"] = new JsonObject
            {
                ["target_origin_id"] = Name,
                ["viewer_protocol_policy"] = "redirect-to-https",
                ["allowed_methods"] = new JsonArray("GET", "HEAD"),
                ["cached_methods"] = new JsonArray("GET", "HEAD"),
                ["cache_policy_id"] = caching.Id,
                ["response_headers_policy_id"] = headers.Id,
                ["compress"] = false,
            },
            ["restrictions"] = new JsonObject { ["geo_restriction"] = new JsonObject { ["restriction_type"] = "none" } },
            ["viewer_certificate"] = new JsonObject { ["cloudfront_default_certificate"] = true },
        });
    }
}
