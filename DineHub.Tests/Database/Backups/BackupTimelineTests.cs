using DineHub.Database.Backups;

namespace DineHub.Tests.Database.Backups;

public sealed class BackupTimelineTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 21, 10, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(5, 1)]
    [InlineData(15, 2)]
    [InlineData(25, 3)]
    public void After_a_restore_the_time_before_it_is_on_the_timeline_that_it_left(int minute, uint expected)
    {
        var archive = new WalArchive(
            [
                Timeline.Parse(2, Start.AddMinutes(10), "1\t0/4033640\tbefore 2026-11-21 10:08:00.000000+00\n\n"),
                Timeline.Parse(3, Start.AddMinutes(20), "1\t0/5000000\tat restore point \"point\"\n\n"),
            ],
            []);
        archive.At(Start.AddMinutes(minute)).Id.ShouldBe(expected);
    }

    [Theory]
    [InlineData(5, 2)]
    [InlineData(15, 2)]
    [InlineData(25, 3)]
    public void The_time_before_a_failover_is_on_the_timeline_of_the_new_primary(int minute, uint expected)
    {
        // 1 was left by a failover, 2 by a restore.
        var archive = new WalArchive(
            [
                Timeline.Parse(2, Start.AddMinutes(10), "1\t0/4033640\tno recovery target specified\n"),
                Timeline.Parse(3, Start.AddMinutes(20), "1\t0/4033640\tno recovery target specified\n\n2\t0/6000000\tafter 2026-11-21 10:18:00.000000+00\n"),
            ],
            []);
        archive.At(Start.AddMinutes(minute)).Id.ShouldBe(expected);
        archive.Newest.CanFollow(2, 0x6000000).ShouldBeTrue();
        archive.Newest.CanFollow(2, 0x6000001).ShouldBeFalse();
        archive.Newest.CanFollow(1, 0x4033641).ShouldBeFalse();
        archive.Newest.CanFollow(3, ulong.MaxValue).ShouldBeTrue();
    }

    [Fact]
    public void A_gap_on_the_way_is_found_and_what_a_timeline_left_behind_is_none()
    {
        var forked = Timeline.Parse(2, Start, "1\t0/4033640\tno recovery target specified\n");
        WalArchive Archive(params string[] names) => new([forked], names.Select(WalSegment.Parse));

        // 4 was left; 5 of the old timeline is no step of the new one.
        var whole = Archive("000000010000000000000002", "000000010000000000000003", "000000010000000000000005", "000000020000000000000004", "000000020000000000000005");
        whole.Missing(forked, first: 2).ShouldBeEmpty();
        whole.Missing(whole.Get(1), first: 2).Select(segment => segment.ToString()).ShouldBe(["000000010000000000000004"]);
        whole.Missing(forked, first: 1).Select(segment => segment.ToString()).ShouldBe(["000000010000000000000001"]);
        Archive("000000010000000000000002", "000000010000000000000005", "000000020000000000000006").Missing(forked, first: 2)
            .Select(segment => segment.ToString())
            .ShouldBe(["000000010000000000000003", "000000020000000000000004", "000000020000000000000005"]);
        Archive().Missing(forked, first: 2).ShouldBeEmpty();
    }

    [Fact]
    public void Segments_are_counted_across_the_high_part()
    {
        WalSegment.Parse("0000000100000001000000FF").Number.ShouldBe(WalSegment.Parse("000000030000000200000000").Number - 1);
        WalSegment.TryParse("000000010000000000000002-909009a7d7239c9e4e9db28044523ae23c216e7d.zst").ShouldNotBeNull();
        WalSegment.TryParse("000000010000000000000002.00000028.backup").ShouldBeNull();
        WalSegment.TryParse("00000002.history").ShouldBeNull();
    }
}
