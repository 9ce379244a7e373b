using System.Text.Json.Nodes;
using DineHub.Topology;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>What machines may ask of AWS, by role: no keys lie on them. All may be reached through Systems Manager; nothing else is common.</summary>
internal static class InstanceRoles
{
    // Sessions, and nothing else (AWS documentation, "Create a custom IAM role for Session Manager"): with AmazonSSMManagedInstanceCore each machine could
    // also read all parameters of the account.
    private static readonly PolicyStatement Sessions = new(
        [
            "ssm:UpdateInstanceInformation",
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
        ],
        "*");

    /// <summary>A role's profile.</summary>
    public static TerraformReference ProfileOf(Role role) => TerraformReference.Resource("aws_iam_instance_profile", RoleName.Of(role));

    public static void Write(TerraformFile file, ClusterTopology topology)
    {
        var trust = PolicyDocument.Write(file, "machines_trust", [PolicyStatement.Trust("ec2.amazonaws.com")]);
        foreach (var role in topology.Nodes.Select(node => node.Role).Distinct())
        {
            var name = RoleName.Of(role);
            var reference = file.Resource("aws_iam_role", name, new JsonObject
            {
                ["name"] = DeploymentName.With(topology, name),
                ["assume_role_policy"] = trust,
            });
            file.Resource("aws_iam_instance_profile", name, new JsonObject
            {
                ["name"] = DeploymentName.With(topology, name),
                ["role"] = reference["name"],
            });
            file.Resource("aws_iam_role_policy", name, new JsonObject
            {
                ["name"] = "dinehub",
                ["role"] = reference.Id,
                ["policy"] = PolicyDocument.Write(file, name, [Sessions, .. StatementsOf(role, topology)]),
            });
        }
    }

    private static List<PolicyStatement> StatementsOf(Role role, ClusterTopology topology) => role switch
    {
        Role.Ingress => ChallengesOf(topology),
        Role.Backend => [new(["s3:PutObject"], ImageBucket.Objects)],
        Role.Coordinator or Role.Worker or Role.Standby => BackupsIn(Buckets.DatabaseFolder, "s3:DeleteObject"),
        Role.Headscale => BackupsIn(Buckets.HeadscaleFolder),
        _ => [],
    };

    // Without s3:DeleteObjectVersion: what somebody deletes from a machine that was taken over can be had back.
    private static List<PolicyStatement> BackupsIn(string folder, params string[] more) =>
    [
        new(["s3:ListBucket"], BackupBucket.Reference["arn"]) { Conditions = [new("StringEquals", "s3:prefix", "", folder), new("StringEquals", "s3:delimiter", "/")] },
        new(["s3:ListBucket"], BackupBucket.Reference["arn"]) { Conditions = [new("StringLike", "s3:prefix", folder + "/*")] },
        new(["s3:GetObject", "s3:PutObject", .. more], $"{BackupBucket.Reference["arn"]}/{folder}/*"),
    ];

    // As lego's documentation of its provider "route53" has it: nothing but the TXT records of the two certificates.
    private static List<PolicyStatement> ChallengesOf(ClusterTopology topology) =>
    [
        new(["route53:GetChange"], $"arn:{Providers.Partition}:route53:::change/*"),
        new(["route53:ListHostedZonesByName"], "*"),
        new(["route53:ListResourceRecordSets"], DnsRecords.Zone["arn"]),
        new(["route53:ChangeResourceRecordSets"], DnsRecords.Zone["arn"])
        {
            Conditions =
            [
                new(
                    "ForAllValues:StringEquals",
                    "route53:ChangeResourceRecordSetsNormalizedRecordNames",
                    [.. new[] { topology.Domain, topology.ControlDomain }.Select(name => "_acme-challenge." + name)]),
                new("ForAllValues:StringEquals", "route53:ChangeResourceRecordSetsRecordTypes", "TXT"),
            ],
        },
    ];
}
