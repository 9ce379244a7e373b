using YamlDotNet.Serialization;

namespace DineHub.AppHost.Publishing;

/// <summary>Writes YAML files: keys in the order in which they were added, line feeds.</summary>
internal static class PublishedYaml
{
    private static readonly ISerializer Serializer = new SerializerBuilder().WithNewLine("\n").WithIndentedSequences().DisableAliases().WithQuotingNecessaryStrings().Build();

    /// <summary>The text of a document.</summary>
    /// <param name="comments">Lines that stand above it.</param>
    /// <param name="document">Dictionaries, lists and scalars.</param>
    public static string Write(IEnumerable<string> comments, object document) => Header.Comments(comments) + Serializer.Serialize(document);
}
