using DineHub.Database.Backups;
using FsCheck;
using FsCheck.Fluent;

namespace DineHub.Tests.Database.Backups;

public sealed class BackupTargetTests
{
    private const string Letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    private static readonly Gen<RestoreTarget> Times =
        from ticks in ArbMap.Default.GeneratorFor<long>()
        from minutes in Gen.Choose(-14 * 60, 14 * 60)
        let day = TimeSpan.TicksPerDay
        let utc = day + (Math.Abs(ticks == long.MinValue ? 0 : ticks) * 982_451_653L % (DateTime.MaxValue.Ticks - (2 * day)) is var t && t < 0 ? -t : t)
        select RestoreTarget.At(new DateTimeOffset(utc, TimeSpan.Zero).ToOffset(TimeSpan.FromMinutes(minutes)));

    private static readonly Gen<RestoreTarget> Points =
        from first in Gen.Elements(Letters.ToCharArray())
        from length in Gen.Choose(0, RestoreTarget.MaxNameLength - 1)
        from rest in Gen.Elements((Letters + "0123456789-_").ToCharArray()).ArrayOf(length)
        let name = first + new string(rest)
        where name != "latest"
        select RestoreTarget.Point(name);

    [Fact]
    public void What_is_written_is_read_again() =>
        Prop.ForAll(Gen.OneOf(Times, Points, Gen.Constant(RestoreTarget.Latest)).ToArbitrary(), target => RestoreTarget.Parse(target.ToString()) == target)
            .QuickCheckThrowOnFailure();

    [Fact]
    public void The_name_of_a_point_tells_its_time() =>
        Prop.ForAll(Times.ToArbitrary(), target =>
        {
            var time = target.Time!.Value;
            var point = RestoreTarget.PointAt("before-7-imports", time);
            return RestoreTarget.Parse(point.ToString()).PointTime() is { } read && read <= time && time - read < TimeSpan.FromMilliseconds(1);
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("2026-11-21T10:15:00Z", "2026-11-21T10:15:00Z")]
    [InlineData("2026-11-21T10:15Z", "2026-11-21T10:15:00Z")]
    [InlineData("2026-11-21 12:15:00.25+02:00", "2026-11-21T10:15:00.25Z")]
    [InlineData("2026-11-21T10:15:00.1234567-00:30", "2026-11-21T10:45:00.123456Z")]
    [InlineData("latest", "latest")]
    [InlineData("dinehub-20261121T101500Z", "dinehub-20261121T101500Z")]
    public void A_target_has_one_text(string given, string normal) => RestoreTarget.Parse(given).ToString().ShouldBe(normal);

    [Theory]
    [InlineData("2026-11-21T10:15:00", "time zone")]
    [InlineData("2026-11-21", "time zone")]
    [InlineData("20261121T101500", "time zone")]
    [InlineData("2026-02-30T10:15:00Z", "ISO 8601")]
    [InlineData("20261121T101500Z", "ISO 8601")]
    [InlineData("", "restore point")]
    [InlineData("before the import", "restore point")]
    [InlineData("a;b", "restore point")]
    [InlineData("point\n", "restore point")]
    [InlineData("a234567890123456789012345678901234567890123456789012345678901234", "restore point")]
    public void What_is_no_target_is_refused_with_the_reason(string text, string reason) =>
        Should.Throw<FormatException>(() => RestoreTarget.Parse(text)).Message.ShouldContain(reason);

    [Fact]
    public void A_point_may_be_without_a_time() => RestoreTarget.Point("before-import").PointTime().ShouldBeNull();
}
