using System.Text;

namespace DineHub.AppHost.Publishing.Nginx;

/// <summary>Writes directives and blocks with their indentation.</summary>
internal sealed class NginxText
{
    private readonly StringBuilder text = new();
    private int depth;

    public NginxText Comment(string comment) => Line("# " + comment);

    public NginxText Directive(string directive) => Line(directive + ";");

    public NginxText Blank()
    {
        text.Append('\n');
        return this;
    }

    public NginxText Block(string head, Action body)
    {
        Line(head + " {");
        depth++;
        body();
        depth--;
        return Line("}");
    }

    /// <summary>A string in double quotes. A dollar sign in it begins a variable: nginx has no way to escape it.</summary>
    public static string Quote(string value) =>
        $"\"{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    public override string ToString() => text.ToString();

    private NginxText Line(string line)
    {
        text.Append(' ', 4 * depth).Append(line).Append('\n');
        return this;
    }
}
