namespace DineHub.AppHost.Publishing.Terraform;

/// <summary>Something that Terraform makes or looks up, as others refer to it.</summary>
/// <param name="Address">Its address: <c>aws_vpc.eu-west-1</c>.</param>
internal sealed record TerraformReference(string Address)
{
    /// <summary>The expression for one of its attributes: <c>${aws_vpc.eu-west-1.id}</c>.</summary>
    public string this[string attribute] => $"${{{Address}.{attribute}}}";

    /// <summary>The expression for its <c>id</c>.</summary>
    public string Id => this["id"];

    /// <summary>A resource.</summary>
    public static TerraformReference Resource(string type, string name) => new($"{type}.{name}");

    /// <summary>What a data source answers.</summary>
    public static TerraformReference Data(string type, string name) => new($"data.{type}.{name}");
}
