namespace DineHub.Tests.Ingress;

/// <summary>A request as a backend has received it, byte for byte.</summary>
internal sealed class RecordedRequest
{
    private RecordedRequest(int connection, string head)
    {
        Connection = connection;
        Head = head;
    }

    /// <summary>Which of the backend's connections it came by.</summary>
    public int Connection { get; }

    /// <summary>All up to the empty line, as Latin-1.</summary>
    public string Head { get; }

    public string Method { get; private set; } = "";

    public string Target { get; private set; } = "";

    public string Path => Target.Split('?')[0];

    public IReadOnlyList<KeyValuePair<string, string>> Fields { get; private set; } = [];

    /// <summary>The body without its framing.</summary>
    public byte[] Body { get; set; } = [];

    /// <summary>Whether the body has come to its end.</summary>
    public bool Complete { get; set; }

    /// <summary>What is wrong with it; null where nothing is.</summary>
    public string? Malformed { get; set; }

    /// <summary>The values of a field, in their order.</summary>
    public IReadOnlyList<string> this[string name] =>
        [.. Fields.Where(field => field.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(field => field.Value)];

    /// <summary>Reads a head strictly: what a careless server would let pass is noted as malformed.</summary>
    public static RecordedRequest Parse(int connection, string head)
    {
        var request = new RecordedRequest(connection, head);
        var lines = head.Split("\r\n");
        var fields = new List<KeyValuePair<string, string>>();
        request.Fields = fields;
        if (lines[0].Split(' ') is not [var method, var target, "HTTP/1.1"] || !method.All(IsToken) || !target.StartsWith('/'))
        {
            request.Malformed = "request line";
            return request;
        }

        (request.Method, request.Target) = (method, target);
        foreach (var line in lines[1..])
        {
            var colon = line.IndexOf(':');
            if (colon <= 0 || !line[..colon].All(IsToken) || line.Any(c => c is '\r' or '\n' or '\0'))
            {
                request.Malformed = $"field line '{line}'";
                return request;
            }

            fields.Add(KeyValuePair.Create(line[..colon], line[(colon + 1)..].Trim(' ', '\t')));
        }

        var (lengths, codings) = (request["Content-Length"], request["Transfer-Encoding"]);
        if (lengths.Count + codings.Count > 1 || lengths.Any(length => length.Length == 0 || !length.All(char.IsAsciiDigit)) || codings.Any(coding => coding != "chunked"))
        {
            request.Malformed = "framing";
        }
        else if (request["Host"].Count != 1)
        {
            request.Malformed = "host";
        }

        return request;
    }

    public override string ToString() => Malformed is null ? $"{Method} {Target}" : $"malformed ({Malformed}): {Head}";

    private static bool IsToken(char c) => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c);
}
