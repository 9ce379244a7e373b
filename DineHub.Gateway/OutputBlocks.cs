using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace DineHub.Gateway;

/// <summary>
/// Gives Kestrel blocks of memory that are as long as a record of TLS (RFC 8446, section 5.1: 2^14 bytes), in place of its own of 4 KiB: each block is encrypted and
/// sent by itself, and a menu of 100 kB is 25 of the small ones. The arrays are those of the shared pool, which gives back to the system what is not used.
/// </summary>
internal sealed class OutputBlocks : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    private const int RecordBytes = 16 * 1024;

    public override int MaxBufferSize => Shared.MaxBufferSize;

    public MemoryPool<byte> Create(MemoryPoolOptions? options) => this;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => Shared.Rent(Math.Max(minBufferSize, RecordBytes));

    protected override void Dispose(bool disposing)
    {
        // Nothing is its own.
    }
}
