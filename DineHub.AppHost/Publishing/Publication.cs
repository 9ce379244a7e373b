using DineHub.AppHost.Publishing.Secrets;
using DineHub.Topology;

namespace DineHub.AppHost.Publishing;

/// <summary>What a topology's files are, against what a folder holds: for the verb <c>publish</c> and for Aspire's step of that name.</summary>
/// <param name="Recipients">Whom secrets are encrypted to; null before they were made.</param>
/// <param name="Files">What is published.</param>
/// <param name="Differences">What must change for the folder to be that.</param>
internal sealed record Publication(Recipients? Recipients, IReadOnlyList<PublishedFile> Files, IReadOnlyList<FileDifference> Differences)
{
    /// <summary>Compares; nothing is written.</summary>
    /// <exception cref="InvalidDataException">In a file's place is one that the publisher has not written.</exception>
    public static Publication Of(ClusterTopology topology, string output)
    {
        var recipients = Recipients.Read(output);
        var files = Publisher.Publish(topology, recipients);
        return new Publication(recipients, files, new PublicationFolder(output).Compare(files));
    }
}
