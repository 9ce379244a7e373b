using System.Text.Json.Nodes;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>IAM policies, which Terraform itself puts into IAM's form.</summary>
internal static class PolicyDocument
{
    /// <summary>Adds a policy.</summary>
    /// <returns>The expression for its text.</returns>
    public static string Write(TerraformFile file, string name, IReadOnlyList<PolicyStatement> statements) =>
        file.Data("aws_iam_policy_document", name, new JsonObject
        {
            ["statement"] = new JsonArray([.. statements.Select(statement => (JsonNode)statement.ToJson())]),
        })["json"];
}
