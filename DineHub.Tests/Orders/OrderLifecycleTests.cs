using DineHub.Api.Orders;
using DineHub.Api.Restaurants;
using FsCheck;
using FsCheck.Fluent;

namespace DineHub.Tests.Orders;

public sealed class OrderLifecycleTests
{
    [Fact]
    public void The_stages_follow_one_another_as_designed()
    {
        OrderLifecycle.After(OrderStatus.Placed).ShouldBe([OrderStatus.Accepted, OrderStatus.Rejected, OrderStatus.Cancelled, OrderStatus.Expired]);
        OrderLifecycle.After(OrderStatus.Accepted).ShouldBe([OrderStatus.Preparing, OrderStatus.Cancelled]);
        OrderLifecycle.After(OrderStatus.Preparing).ShouldBe([OrderStatus.Ready, OrderStatus.Cancelled]);
        OrderLifecycle.After(OrderStatus.Ready).ShouldBe([OrderStatus.Completed, OrderStatus.Cancelled]);
    }

    [Fact]
    public void Every_walk_ends_and_what_may_come_after_knows_what_may_come_before() =>
        Prop.ForAll(Gen.Choose(0, 3).ListOf(10).ToArbitrary(), choices =>
        {
            var status = OrderStatus.Placed;
            var steps = 0;
            foreach (var choice in choices)
            {
                if (OrderLifecycle.After(status) is not { Count: > 0 } next)
                {
                    break;
                }

                OrderLifecycle.Before(next[choice % next.Count]).ShouldContain(status);
                status = next[choice % next.Count];
                steps++;
            }

            // Placed, Accepted, Preparing, Ready, Completed: no walk is longer, so none goes in circles.
            steps.ShouldBeLessThanOrEqualTo(4);
            OrderLifecycle.After(status).ShouldBeEmpty();
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_cursor_survives_its_way_through_a_url() =>
        Prop.ForAll<NonEmptyString, Guid>((name, id) =>
        {
            // What the database cannot hold cannot be in a cursor: U+0000, and halves of surrogate pairs.
            var text = new string([.. name.Get.Where(character => character != '\0' && !char.IsSurrogate(character)), 'x']);
            RestaurantCursor.TryParse(new RestaurantCursor(text, id).ToString(), out var cursor).ShouldBeTrue();
            cursor.ShouldBe(new RestaurantCursor(text, id));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Garbage_is_no_cursor_and_no_fault() =>
        Prop.ForAll<NonNull<string>>(text =>
        {
            Should.NotThrow(() => { RestaurantCursor.TryParse(text.Get, out _); });
        }).QuickCheckThrowOnFailure();
}
