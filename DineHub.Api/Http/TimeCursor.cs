using System.Buffers.Binary;
using System.Buffers.Text;
using DineHub.Api.Http.Errors;

namespace DineHub.Api.Http;

/// <summary>A position in a list by time: behind one row. Opaque to clients.</summary>
/// <param name="At">The row's time, in UTC, to the microsecond.</param>
/// <param name="Id">Its id.</param>
internal sealed record TimeCursor(DateTimeOffset At, Guid Id)
{
    private const int IdBytes = 16;

    /// <summary>Reads a cursor; null where there is none, or an error was added.</summary>
    public static TimeCursor? Read(string? text, FieldErrors errors)
    {
        if (text is null)
        {
            return null;
        }

        var bytes = text.Length <= 64 && Base64Url.IsValid(text) ? Base64Url.DecodeFromChars(text) : [];
        if (bytes.Length == sizeof(long) + IdBytes && BinaryPrimitives.ReadInt64BigEndian(bytes) is var ticks && ticks >= 0 && ticks <= DateTimeOffset.MaxValue.Ticks)
        {
            return new TimeCursor(new DateTimeOffset(ticks, TimeSpan.Zero), new Guid(bytes.AsSpan(sizeof(long)), bigEndian: true));
        }

        errors.Add("cursor", "must be the nextCursor of an earlier page");
        return null;
    }

    /// <summary>Cuts a list that was read with one row more than a page has.</summary>
    /// <returns>The cursor behind the page; null where there was no row more.</returns>
    public static string? Cut<T>(List<T> rows, int limit, Func<T, TimeCursor> position)
    {
        if (rows.Count <= limit)
        {
            return null;
        }

        rows.RemoveAt(limit);
        return position(rows[^1]).ToString();
    }

    public override string ToString()
    {
        var bytes = new byte[sizeof(long) + IdBytes];
        BinaryPrimitives.WriteInt64BigEndian(bytes, At.UtcTicks);
        Id.TryWriteBytes(bytes.AsSpan(sizeof(long)), bigEndian: true, out _);
        return Base64Url.EncodeToString(bytes);
    }
}
