using DineHub.Api.Accounts;

namespace DineHub.Tests.Accounts;

public sealed class TryTurnsTests
{
    private static readonly Guid Account = Guid.NewGuid();

    [Fact]
    public async Task Tries_at_one_account_have_their_turns_one_after_the_other()
    {
        var turns = new TryTurns(places: 3, Deadline.Usual);
        var first = (await turns.WaitAsync(Account, CancellationToken.None))!;
        first.IsAwaited.ShouldBeFalse();
        var second = turns.WaitAsync(Account, CancellationToken.None);
        second.IsCompleted.ShouldBeFalse();
        first.IsAwaited.ShouldBeTrue();
        first.Dispose();
        using var next = await second;
        next.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_try_beyond_the_places_has_no_turn_and_another_account_has()
    {
        var turns = new TryTurns(places: 2, Deadline.Usual);
        using (await turns.WaitAsync(Account, CancellationToken.None))
        {
            var second = turns.WaitAsync(Account, CancellationToken.None);
            (await turns.WaitAsync(Account, CancellationToken.None)).ShouldBeNull();
            using var other = await turns.WaitAsync(Guid.NewGuid(), CancellationToken.None);
            other.ShouldNotBeNull();
            _ = second.ContinueWith(turn => turn.Result!.Dispose(), TaskScheduler.Default);
        }
    }

    [Fact]
    public async Task A_try_that_waited_in_vain_or_was_cancelled_leaves_its_place()
    {
        var turns = new TryTurns(places: 2, TimeSpan.FromMilliseconds(1));
        using (var first = (await turns.WaitAsync(Account, CancellationToken.None))!)
        {
            (await turns.WaitAsync(Account, CancellationToken.None)).ShouldBeNull();
            await Should.ThrowAsync<OperationCanceledException>(() => turns.WaitAsync(Account, new CancellationToken(canceled: true)));
            first.IsAwaited.ShouldBeFalse();
        }

        using var last = await turns.WaitAsync(Account, CancellationToken.None);
        last.ShouldNotBeNull();
    }
}
