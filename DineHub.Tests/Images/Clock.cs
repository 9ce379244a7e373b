namespace DineHub.Tests.Images;

/// <summary>A clock that stands where it is put.</summary>
internal sealed class Clock : TimeProvider
{
    public DateTimeOffset Now { get; set; } = new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => Now;
}
