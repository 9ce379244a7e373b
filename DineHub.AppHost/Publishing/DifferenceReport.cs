using DiffPlex.DiffBuilder;
using DiffPlex.DiffBuilder.Model;
using Spectre.Console;

namespace DineHub.AppHost.Publishing;

/// <summary>Shows differences to people, as 'diff -u' would.</summary>
internal static class DifferenceReport
{
    private const int Context = 3;

    // Beyond any line: what is folded is neither what stands in the file nor what can be looked for.
    private const int Unfolded = 10_000;

    /// <summary>Writes what is different, file by file.</summary>
    public static void Write(IAnsiConsole console, IEnumerable<FileDifference> differences)
    {
        console.Profile.Width = Math.Max(console.Profile.Width, Unfolded);
        foreach (var file in differences)
        {
            console.MarkupLineInterpolated($"[bold]--- {(file.Old is null ? "/dev/null" : file.Path)}[/]");
            console.MarkupLineInterpolated($"[bold]+++ {(file.New is null ? "/dev/null" : file.Path)}[/]");
            var lines = Lines(file);
            Write(console, lines);
            if (lines.TrueForAll(line => line.Type == ChangeType.Unchanged))
            {
                console.WriteLine("\\ The lines are the same; their ends, or the end of the file, are not.");
            }
        }
    }

    private static void Write(IAnsiConsole console, List<DiffPiece> lines)
    {
        var near = lines.Select((line, i) => (line, i)).Where(pair => pair.line.Type != ChangeType.Unchanged)
            .SelectMany(pair => Enumerable.Range(pair.i - Context, (2 * Context) + 1))
            .ToHashSet();
        var skipped = false;
        foreach (var (i, line) in lines.Index())
        {
            if (!near.Contains(i))
            {
                skipped = true;
                continue;
            }

            if (skipped)
            {
                console.MarkupLine("[blue]…[/]");
                skipped = false;
            }

            var (sign, colour) = line.Type switch
            {
                ChangeType.Inserted => ('+', "green"),
                ChangeType.Deleted => ('-', "red"),
                _ => (' ', "default"),
            };
            console.MarkupLine($"[{colour}]{sign}{Markup.Escape(line.Text)}[/]");
        }
    }

    private static List<DiffPiece> Lines(FileDifference file) =>
        new InlineDiffBuilder(new DiffPlex.Differ()).BuildDiffModel((file.Old ?? "").TrimEnd('\n'), (file.New ?? "").TrimEnd('\n')).Lines
            .Where(line => line.Text is { Length: > 0 } || line.Type == ChangeType.Unchanged || (file.Old is not null && file.New is not null))
            .ToList();
}
