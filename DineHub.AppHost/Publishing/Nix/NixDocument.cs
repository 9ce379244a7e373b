using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace DineHub.AppHost.Publishing.Nix;

/// <summary>Writes Nix files as nixfmt (RFC 166) would: it leaves them as they are.</summary>
internal static partial class NixDocument
{
    private const int LineWidth = 100;

    private static readonly HashSet<string> Keywords = ["assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with"];

    /// <summary>A file that is one value.</summary>
    /// <param name="comments">Lines that stand above it.</param>
    /// <param name="value">The value.</param>
    public static string Write(IEnumerable<string> comments, NixValue value)
    {
        var text = new StringBuilder(Header.Comments(comments));
        Append(text, value, 0, 0);
        return text.Append('\n').ToString();
    }

    // The column is where the value begins.
    private static void Append(StringBuilder text, NixValue value, int depth, int column)
    {
        switch (value)
        {
            case NixSet { Bindings.Count: > 0 } set:
                text.Append("{\n");
                foreach (var binding in set.Bindings)
                {
                    var head = $"{string.Join('.', binding.Path.Select(Name))} = ";
                    Indent(text, depth + 1).Append(head);
                    Append(text, binding.Value, depth + 1, Spaces(depth + 1) + head.Length);
                    text.Append(";\n");
                }

                Indent(text, depth).Append('}');
                break;
            case NixList { Items.Count: > 0 } list when !IsShort(list, column):
                text.Append("[\n");
                foreach (var item in list.Items)
                {
                    AppendItem(Indent(text, depth + 1), item, depth + 1);
                    text.Append('\n');
                }

                Indent(text, depth).Append(']');
                break;
            case NixList { Items.Count: > 0 } list:
                text.Append("[ ");
                AppendItem(text, list.Items[0], depth);
                text.Append(" ]");
                break;
            default:
                text.Append(Scalar(value));
                break;
        }
    }

    // In a list, "-1" would be an operator and its operand.
    private static void AppendItem(StringBuilder text, NixValue item, int depth)
    {
        if (item is NixNumber { Number: < 0 } or NixReal { Number: < 0 })
        {
            text.Append('(').Append(Scalar(item)).Append(')');
        }
        else
        {
            Append(text, item, depth, Spaces(depth));
        }
    }

    // nixfmt keeps a list on one line where it has one simple item, and fits.
    private static bool IsShort(NixList list, int column) =>
        list.Items is [not (NixSet { Bindings.Count: > 0 } or NixList { Items.Count: > 0 }) and var only]
        && column + "[ ".Length + Scalar(only).Length + " ];".Length <= LineWidth;

    private static string Scalar(NixValue value) => value switch
    {
        NixText text => Quote(text.Text),

        // The least integer has no literal: its absolute value would overflow.
        NixNumber { Number: long.MinValue } => "-9223372036854775807 - 1",
        NixNumber number => number.Number.ToString(CultureInfo.InvariantCulture),
        NixReal real => Real(real.Number),
        NixFlag flag => flag.Flag ? "true" : "false",
        NixNull => "null",
        NixPath path => path.Path,
        NixList => "[ ]",
        NixSet => "{ }",
        _ => throw new ArgumentException($"{value.GetType()} is not a value of Nix.", nameof(value)),
    };

    private static string Real(double number)
    {
        if (!double.IsFinite(number))
        {
            throw new ArgumentException("Nix has no infinite numbers.", nameof(number));
        }

        var text = number.ToString("F17", CultureInfo.InvariantCulture).TrimEnd('0');
        return text.EndsWith('.') ? text + "0" : text;
    }

    private static string Name(string name) => NamePattern().IsMatch(name) && !Keywords.Contains(name) ? name : Quote(name);

    private static string Quote(string text)
    {
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        for (var i = 0; i < text.Length; i++)
        {
            quoted = text[i] switch
            {
                '\0' => throw new ArgumentException("A string of Nix can't have a null character.", nameof(text)),
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append("\\\\"),
                '\n' => quoted.Append("\\n"),
                '\r' => quoted.Append("\\r"),
                '\t' => quoted.Append("\\t"),
                '$' when i + 1 < text.Length && text[i + 1] == '{' => quoted.Append("\\$"),
                var character => quoted.Append(character),
            };
        }

        return quoted.Append('"').ToString();
    }

    private static StringBuilder Indent(StringBuilder text, int depth) => text.Append(' ', Spaces(depth));

    private static int Spaces(int depth) => 2 * depth;

    [GeneratedRegex(@"\A[A-Za-z_][A-Za-z0-9_'-]*\z")]
    private static partial Regex NamePattern();
}
