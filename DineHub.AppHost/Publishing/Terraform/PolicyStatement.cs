using System.Text.Json.Nodes;

namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>A condition of a statement.</summary>
/// <param name="Test">The operator: <c>StringLike</c>.</param>
/// <param name="Variable">The key: <c>s3:prefix</c>.</param>
/// <param name="Values">What it is compared with.</param>
internal sealed record PolicyCondition(string Test, string Variable, params string[] Values);

/// <summary>Whom a statement of a resource's own policy is about.</summary>
/// <param name="Type"><c>Service</c>, or <c>*</c>.</param>
/// <param name="Identifier">The service's name, or <c>*</c> for anybody.</param>
internal sealed record PolicyPrincipal(string Type, string Identifier);

/// <summary>A statement of an IAM policy.</summary>
/// <param name="Actions">What is allowed, or denied.</param>
/// <param name="Resources">The ARNs that it is about; none in the policy of who may take a role.</param>
internal sealed record PolicyStatement(IReadOnlyList<string> Actions, params IReadOnlyList<string> Resources)
{
    /// <summary>Whether it denies.</summary>
    public bool Denies { get; init; }

    /// <summary>Whom it is about; null in the policy of a role.</summary>
    public PolicyPrincipal? Principal { get; init; }

    /// <summary>All of these must hold.</summary>
    public IReadOnlyList<PolicyCondition> Conditions { get; init; } = [];

    /// <summary>A service may take the role.</summary>
    public static PolicyStatement Trust(string service) => new(["sts:AssumeRole"]) { Principal = new PolicyPrincipal("Service", service) };

    /// <summary>The statement as a block of <c>aws_iam_policy_document</c>.</summary>
    public JsonObject ToJson()
    {
        var statement = new JsonObject { ["effect"] = Denies ? "Deny" : "Allow" };
        if (Principal is { } principal)
        {
            statement["principals"] = new JsonObject { ["type"] = principal.Type, ["identifiers"] = new JsonArray(principal.Identifier) };
        }

        statement["actions"] = PublishedJson.Array(Actions);
        if (Resources.Count > 0)
        {
            statement["resources"] = PublishedJson.Array(Resources);
        }

        if (Conditions.Count > 0)
        {
            statement["condition"] = new JsonArray([.. Conditions.Select(condition => (JsonNode)new JsonObject
            {
                ["test"] = condition.Test,
                ["variable"] = condition.Variable,
                ["values"] = PublishedJson.Array(condition.Values),
            })]);
        }

        return statement;
    }
}
