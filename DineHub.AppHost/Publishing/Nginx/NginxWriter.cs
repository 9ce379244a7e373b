using System.Text;

namespace DineHub.AppHost.Publishing.Nginx;

/// <summary>Writes directives and blocks, indented.</summary>
internal sealed class NginxWriter
{
    private const int Indent = 4;

    private readonly StringBuilder text = new();
    private int depth;

    /// <summary>Writes a directive.</summary>
    /// <param name="directive">Without its semicolon.</param>
    /// <param name="comment">What stands behind it.</param>
    public NginxWriter Line(string directive, string? comment = null) => Append(comment is null ? directive + ";" : $"{directive}; # {comment}");

    /// <summary>Writes a comment.</summary>
    public NginxWriter Comment(string comment) => Append("# " + comment);

    /// <summary>Leaves a line empty.</summary>
    public NginxWriter Gap()
    {
        text.Append('\n');
        return this;
    }

    /// <summary>Writes a block.</summary>
    /// <param name="head">What stands before its brace.</param>
    /// <param name="body">Writes what is in it.</param>
    public NginxWriter Block(string head, Action body)
    {
        Append(head + " {");
        depth++;
        body();
        depth--;
        return Append("}");
    }

    /// <inheritdoc/>
    public override string ToString() => text.ToString();

    private NginxWriter Append(string line)
    {
        text.Append(' ', depth * Indent).Append(line).Append('\n');
        return this;
    }
}
