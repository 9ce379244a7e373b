using System.Text.Json.Nodes;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>What all buckets have: old versions for a while, encryption at rest and on the way, and no way to make them public.</summary>
internal static class BucketResources
{
    // What a program or a person deletes by mistake can be had back for so long.
    private const int OldVersionDays = 30;
    private const int UnfinishedUploadDays = 7;

    /// <summary>A bucket.</summary>
    public static TerraformReference Reference(string name) => TerraformReference.Resource("aws_s3_bucket", name);

    /// <summary>Adds a bucket.</summary>
    /// <param name="file">Where to.</param>
    /// <param name="name">Its name in Terraform.</param>
    /// <param name="bucket">The bucket.</param>
    /// <param name="statements">What its policy says beside that TLS is a must.</param>
    public static void Write(TerraformFile file, string name, Bucket bucket, params IEnumerable<PolicyStatement> statements)
    {
        file.Resource("aws_s3_bucket", name, new JsonObject
        {
            ["provider"] = Providers.Of(bucket.Region),
            ["bucket"] = bucket.Name,
            ["lifecycle"] = new JsonObject { ["prevent_destroy"] = true },
        });
        Add("aws_s3_bucket_versioning", ("versioning_configuration", new JsonObject { ["status"] = "Enabled" }));
        Add("aws_s3_bucket_server_side_encryption_configuration", ("rule", new JsonObject
        {
            ["apply_server_side_encryption_by_default"] = new JsonObject { ["sse_algorithm"] = "AES256" },
        }));
        Add(
            "aws_s3_bucket_public_access_block",
            ("block_public_acls", true),
            ("block_public_policy", true),
            ("ignore_public_acls", true),
            ("restrict_public_buckets", true));
        Add("aws_s3_bucket_ownership_controls", ("rule", new JsonObject { ["object_ownership"] = "BucketOwnerEnforced" }));
        Add("aws_s3_bucket_policy", ("policy", PolicyDocument.Write(file, "bucket_" + name, [TlsOnly(name), .. statements])));
        Add("aws_s3_bucket_lifecycle_configuration", ("rule", new JsonObject
        {
            ["id"] = "leftovers",
            ["status"] = "Enabled",
            ["filter"] = new JsonObject(),
            ["noncurrent_version_expiration"] = new JsonObject { ["noncurrent_days"] = OldVersionDays },
            ["abort_incomplete_multipart_upload"] = new JsonObject { ["days_after_initiation"] = UnfinishedUploadDays },
            ["expiration"] = new JsonObject { ["expired_object_delete_marker"] = true },
        }));

        void Add(string type, params IEnumerable<(string Key, JsonNode Value)> settings) => file.Resource(type, name, Settings(name, bucket, settings));
    }

    /// <summary>The body of a resource that is about a bucket.</summary>
    public static JsonObject Settings(string name, Bucket bucket, params IEnumerable<(string Key, JsonNode Value)> settings)
    {
        var body = new JsonObject { ["provider"] = Providers.Of(bucket.Region), ["bucket"] = Reference(name).Id };
        foreach (var (key, value) in settings)
        {
            body.Add(key, value);
        }

        return body;
    }

    private static PolicyStatement TlsOnly(string name) => new(["s3:*"], Reference(name)["arn"], Reference(name)["arn"] + "/*")
    {
        Denies = true,
        Principal = new PolicyPrincipal("*", "*"),
        Conditions = [new("Bool", "aws:SecureTransport", "false")],
    };
}
