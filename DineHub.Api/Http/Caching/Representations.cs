using Microsoft.AspNetCore.ResponseCompression;

namespace DineHub.Api.Http.Caching;

/// <summary>What is sent for a resource in one content coding.</summary>
/// <param name="Body">The bytes.</param>
/// <param name="ETag">Strong, and of this coding only (RFC 9110, section 8.8.3.3).</param>
/// <param name="Encoding">The content coding; null for none.</param>
internal sealed record Representation(byte[] Body, string ETag, string? Encoding);

/// <summary>
/// The representations of one resource. Those that are compressed are made when they are first asked for and then kept, so that what is sent
/// a thousand times is compressed once.
/// </summary>
/// <param name="body">The resource's bytes.</param>
/// <param name="tag">What stands in its entity tag: it changes with each byte of <paramref name="body"/>.</param>
internal sealed class Representations(byte[] body, string tag)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Representation> compressed = [];

    /// <summary>The bytes as they are.</summary>
    public Representation Plain { get; } = new(body, $"\"{tag}\"", Encoding: null);

    /// <summary>The bytes in a content coding; null for as they are.</summary>
    public Representation In(ICompressionProvider? coding)
    {
        if (coding is null)
        {
            return Plain;
        }

        lock (gate)
        {
            if (!compressed.TryGetValue(coding.EncodingName, out var made))
            {
                made = Compress(coding);
                compressed.Add(coding.EncodingName, made);
            }

            return made;
        }
    }

    private Representation Compress(ICompressionProvider coding)
    {
        using var target = new MemoryStream();
        using (var stream = coding.CreateStream(target))
        {
            stream.Write(Plain.Body);
        }

        return new Representation(target.ToArray(), $"\"{tag}-{coding.EncodingName}\"", coding.EncodingName);
    }
}
