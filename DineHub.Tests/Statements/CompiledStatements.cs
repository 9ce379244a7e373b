using System.Reflection;
using System.Reflection.Emit;
using System.Text.RegularExpressions;
using DineHub.Api;
using DineHub.Database.Locality;

namespace DineHub.Tests.Statements;

/// <summary>A literal of SQL that a method of the API loads: a whole statement, or a piece of one that is put together at run time.</summary>
/// <param name="File">The source file of its type, from the root of the source tree.</param>
/// <param name="Text">The literal with single spaces; a piece keeps the space at its end.</param>
internal sealed partial record CompiledStatement(string File, string Text)
{
    private static readonly char[] EndsOfPieces = [' ', '(', ','];

    /// <summary>Whether it begins a statement.</summary>
    public bool IsBeginning => Keyword().IsMatch(Text);

    /// <summary>Whether a statement is this literal, or was put together from it. A beginning that ends in a word is a whole statement.</summary>
    /// <param name="statement">A statement with single spaces.</param>
    public bool IsIn(string statement) =>
        !IsBeginning ? statement.Contains(Text.Trim(), StringComparison.Ordinal)
        : EndsOfPieces.Contains(Text[^1]) ? statement.StartsWith(Text, StringComparison.Ordinal)
        : statement == Text;

    [GeneratedRegex(@"\A(SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|TRUNCATE|LOCK|COPY|CALL|SET|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|PREPARE|EXECUTE|LISTEN|NOTIFY) ")]
    internal static partial Regex Keyword();
}

/// <summary>
/// The SQL of the API as it was compiled: each string that its IL loads and that begins with a keyword of SQL or has a positional parameter.
/// The compiler has put constants together by then, so that a statement of several constants is one string.
/// </summary>
internal static partial class CompiledStatements
{
    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => code.Value);

    /// <summary>All of them, by file and text; with those of the one store that the API has from DineHub.Database.</summary>
    public static IReadOnlyList<CompiledStatement> Read() =>
    [
        .. typeof(ApiApplication).Assembly.GetTypes().Append(typeof(RestaurantIds)).Concat(typeof(RestaurantIds).GetNestedTypes(BindingFlags.NonPublic))
            .SelectMany(type => Methods(type).SelectMany(Literals).Select(text => new CompiledStatement(FileOf(type), Normalize(text))))
            .Where(literal => literal.IsBeginning || Parameter().IsMatch(literal.Text))
            .Distinct()
            .OrderBy(literal => literal.File, StringComparer.Ordinal)
            .ThenBy(literal => literal.Text, StringComparer.Ordinal),
    ];

    /// <summary>A text with single spaces. One at its end stays.</summary>
    /// <param name="sql">The text.</param>
    public static string Normalize(string sql) => Spaces().Replace(sql, " ").TrimStart();

    private static IEnumerable<MethodBase> Methods(Type type)
    {
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
        return type.GetMethods(All).Cast<MethodBase>().Concat(type.GetConstructors(All));
    }

    private static IEnumerable<string> Literals(MethodBase method)
    {
        if (method.GetMethodBody()?.GetILAsByteArray() is not { } il)
        {
            yield break;
        }

        for (var at = 0; at < il.Length;)
        {
            var code = il[at] == 0xFE ? OpCodesByValue[(short)((0xFE << 8) | il[at + 1])] : OpCodesByValue[il[at]];
            at += code.Size;
            if (code == OpCodes.Ldstr)
            {
                yield return method.Module.ResolveString(BitConverter.ToInt32(il, at));
            }

            at += code.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(il, at)),
                _ => 4,
            };
        }
    }

    // Lambdas and state machines are nested types of the type that was written.
    private static string FileOf(Type type)
    {
        var written = type;
        while (written.DeclaringType is { } outer)
        {
            written = outer;
        }

        var project = written.Assembly.GetName().Name!;
        return $"{project}/{written.FullName!.Replace(project + ".", "", StringComparison.Ordinal).Replace('.', '/')}.cs";
    }

    [GeneratedRegex(@"\$[0-9]")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
