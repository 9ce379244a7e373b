using System.Diagnostics;

namespace DineHub.Tests;

/// <summary>Waits for conditions: machines are slow now and then, so the deadline is generous and nothing is timed.</summary>
internal static class Eventually
{
    public static async Task TrueAsync(Func<Task<bool>> condition, string what, TimeSpan? deadline = null)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition().OrFailAsync($"{what}; what was asked last has no answer", Deadline.Long))
        {
            clock.Elapsed.ShouldBeLessThan(deadline ?? Deadline.Usual, $"Waited in vain until {what}.");
            await Task.Delay(50);
        }
    }

    public static Task TrueAsync(Func<bool> condition, string what, TimeSpan? deadline = null) =>
        TrueAsync(() => Task.FromResult(condition()), what, deadline);
}
