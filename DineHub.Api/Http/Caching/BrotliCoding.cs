using System.IO.Compression;
using Microsoft.AspNetCore.ResponseCompression;

namespace DineHub.Api.Http.Caching;

/// <summary>
/// Brotli (RFC 7932) at the quality that nginx' module has unless told otherwise. The framework's provider knows 1, 4 and 11: 4 makes more of a menu than
/// gzip does, and 11 takes a hundred times as long.
/// </summary>
internal sealed class BrotliCoding : ICompressionProvider
{
    private static readonly BrotliCompressionOptions Options = new() { Quality = 6 };

    public string EncodingName => "br";

    public bool SupportsFlush => true;

    public Stream CreateStream(Stream outputStream) => new BrotliStream(outputStream, Options, leaveOpen: true);
}
