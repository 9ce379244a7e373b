using System.Text.Json.Nodes;
using DineHub.AppHost.Publishing.Nix;
using FsCheck;
using FsCheck.Fluent;

namespace DineHub.Tests.Publishing;

/// <summary>The text of Nix files.</summary>
public sealed class NixDocumentTests
{
    // Texts with all that Nix has a meaning for.
    private static readonly Gen<string> Texts = Gen.Elements("a", "\"", "\\", "$", "{", "}", "${x}", "''", "\n", "\t", "\r", "é", "☃", " ", "#", ";", "/*", "or", "in").ArrayOf()
        .Select(string.Concat);

    private static readonly Gen<string> Names = Gen.OneOf(Gen.Elements("a", "b-c", "_d", "in", "rec", "or", "3x", "e.f", "", "g'"), Texts);

    private static readonly Gen<(NixValue Value, JsonNode? Json)> Scalars = Gen.OneOf<(NixValue Value, JsonNode? Json)>(
        Texts.Select(text => ((NixValue)text, (JsonNode?)text)),
        Gen.Elements(0L, 1, -1, 42, long.MaxValue, -long.MaxValue).Select(number => ((NixValue)number, (JsonNode?)number)),
        Gen.Elements(true, false).Select(flag => ((NixValue)flag, (JsonNode?)flag)),
        Gen.Elements(0.5, -2.25, 1024.0).Select(number => ((NixValue)new NixReal(number), (JsonNode?)number)),
        Gen.Constant(((NixValue)new NixNull(), (JsonNode?)null)));

    private static readonly Gen<(NixValue Value, JsonNode? Json)> Values = Gen.Sized(size => OfSize(Math.Min(size, 12)));

    [RequiresProgramFact(NixTool.Program, NixTool.Package)]
    public void What_is_written_is_what_Nix_reads() =>
        Check.One(
            FsCheck.Config.QuickThrowOnFailure.WithMaxTest(8),
            Prop.ForAll(Values.ArrayOf(100).ToArbitrary(), values =>
            {
                var document = NixDocument.Write(["A comment."], new NixList([.. values.Select(value => value.Value)]));
                var expected = new JsonArray([.. values.Select(value => value.Json?.DeepClone())]);
                var read = JsonNode.Parse(NixTool.EvaluateAsync(document).GetAwaiter().GetResult());
                JsonNode.DeepEquals(read, JsonNode.Parse(expected.ToJsonString())).ShouldBeTrue(document);
            }));

    [Fact]
    public void It_has_the_form_that_nixfmt_gives_it() =>
        NixDocument.Write(["One.", "Two."], NixSet.Of(
            ("a.b", "text ${x} \"quoted\""),
            ("list", NixValue.List(["one", "two"])),
            ("short", NixValue.List(["one"])),
            ("none", new NixList([])),
            ("empty", NixSet.Of()),
            ("sets", new NixList([NixSet.Of(("in", 1L)), -1L])),
            ("path", new NixPath("../a.nix")))).ShouldBe(
            """
            # One.
            # Two.
            {
              a.b = "text \${x} \"quoted\"";
              list = [
                "one"
                "two"
              ];
              short = [ "one" ];
              none = [ ];
              empty = { };
              sets = [
                {
                  "in" = 1;
                }
                (-1)
              ];
              path = ../a.nix;
            }

            """);

    [Fact]
    public void A_list_of_one_item_stands_on_one_line_where_that_has_a_hundred_characters_at_most()
    {
        var name = new string('a', 87);
        NixDocument.Write([], NixSet.Of((name, NixValue.List(["x"])))).ShouldBe($"{{\n  {name} = [ \"x\" ];\n}}\n");
        NixDocument.Write([], NixSet.Of((name + "a", NixValue.List(["x"])))).ShouldBe($"{{\n  {name}a = [\n    \"x\"\n  ];\n}}\n");
    }

    [Fact]
    public void What_Nix_cannot_hold_is_refused()
    {
        Should.Throw<ArgumentException>(() => NixDocument.Write([], "\0"));
        Should.Throw<ArgumentException>(() => NixDocument.Write([], new NixReal(double.NaN)));
        Should.Throw<ArgumentException>(() => NixValue.Of(DateTime.UnixEpoch));
    }

    private static Gen<(NixValue Value, JsonNode? Json)> OfSize(int size) => size < 2
        ? Scalars
        : Gen.OneOf(
            Scalars,
            OfSize(size / 3).ArrayOf(3).Select(items => ((NixValue)new NixList([.. items.Select(item => item.Value)]), (JsonNode?)new JsonArray([.. items.Select(item => item.Json?.DeepClone())]))),
            from names in Names.ArrayOf(3)
            from items in OfSize(size / 3).ArrayOf(3)
            let pairs = names.Zip(items).DistinctBy(pair => pair.First).ToList()
            select ((NixValue)new NixSet([.. pairs.Select(pair => new NixBinding([pair.First], pair.Second.Value))]),
                (JsonNode?)new JsonObject(pairs.Select(pair => KeyValuePair.Create(pair.First, pair.Second.Json?.DeepClone())))));
}
