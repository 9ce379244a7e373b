namespace DineHub.Tests.Publishing.Terraform;

/// <summary>A fact about what Terraform says, which is skipped, with the reason, where it or its AWS provider is not there.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TerraformFactAttribute : FactAttribute
{
    public TerraformFactAttribute() => Skip = TerraformProgram.Missing;
}
