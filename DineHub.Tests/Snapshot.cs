using DineHub.AppHost.Publishing;
using DineHub.Tests.Contract;
using Spectre.Console;

namespace DineHub.Tests;

/// <summary>
/// Compares what is generated with what is committed; a test that differs shows how. With <c>DINEHUB_ACCEPT_SNAPSHOTS=1</c> it is written instead. Verify would
/// replace this file: the feed that builds here has Verify.Xunit without the package Verify that it needs.
/// </summary>
internal static class Snapshot
{
    private const string Accept = "DINEHUB_ACCEPT_SNAPSHOTS";
    private const int MaxCharacters = 20_000;

    /// <summary>Compares one text with a file.</summary>
    /// <param name="text">The text.</param>
    /// <param name="path">The file, from the root of the source tree.</param>
    public static void ShouldMatch(string text, params string[] path)
    {
        var file = ContractDocument.FileOf(path);
        ShouldMatch(Path.GetDirectoryName(file)!, _ =>
        {
            var old = File.Exists(file) ? File.ReadAllText(file) : null;
            return old == text ? [] : [new FileDifference(Path.GetFileName(file), old, text)];
        });
    }

    /// <summary>Compares all that is published with a folder.</summary>
    /// <param name="files">What is published.</param>
    /// <param name="path">The folder, from the root of the source tree.</param>
    public static void ShouldMatch(IReadOnlyList<PublishedFile> files, params string[] path) =>
        ShouldMatch(ContractDocument.FileOf(path), folder => folder.Compare(files));

    private static void ShouldMatch(string folder, Func<PublicationFolder, IReadOnlyList<FileDifference>> compare)
    {
        var publication = new PublicationFolder(folder);
        if (Environment.GetEnvironmentVariable(Accept) == "1")
        {
            publication.Apply(compare(publication));
        }

        var differences = compare(publication);
        if (differences.Count > 0)
        {
            var report = new StringWriter();
            var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(report) });
            DifferenceReport.Write(console, differences);
            var text = report.ToString();
            Assert.Fail($"{folder} differs from the generated files. If the change is intended: {Accept}=1 dotnet test, and commit the files.\n{text[..Math.Min(text.Length, MaxCharacters)]}");
        }
    }
}
