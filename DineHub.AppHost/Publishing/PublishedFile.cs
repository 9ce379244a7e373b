namespace DineHub.AppHost.Publishing;

/// <summary>A file that <c>publish</c> writes.</summary>
/// <param name="Path">Relative to the output folder, with slashes: <c>hosts/backend-eu-1.nix</c>.</param>
/// <param name="Content">Its text, UTF-8, with line feeds, and one at its end.</param>
public sealed record PublishedFile(string Path, string Content);
