namespace DineHub.Tests;

/// <summary>What xunit does with test classes and fixtures.</summary>
public sealed class TestClassTests
{
    [Fact]
    public void What_a_test_class_or_a_fixture_holds_is_given_back_in_a_way_that_xunit_knows()
    {
        // xunit 2 takes no notice of IAsyncDisposable: what such a class has started would go on.
        var classes = typeof(TestClassTests).Assembly.GetTypes().Where(type => type.GetMethods().Any(method => method.IsDefined(typeof(FactAttribute), inherit: true))).ToList();
        var fixtures = typeof(TestClassTests).Assembly.GetTypes().SelectMany(type => type.GetInterfaces())
            .Where(one => one.IsGenericType && (one.GetGenericTypeDefinition() == typeof(IClassFixture<>) || one.GetGenericTypeDefinition() == typeof(ICollectionFixture<>)))
            .Select(one => one.GenericTypeArguments[0])
            .ToList();
        classes.ShouldContain(typeof(TestClassTests));
        fixtures.ShouldContain(typeof(Cluster.ClusterFixture));
        classes.Concat(fixtures).Where(type => type.IsAssignableTo(typeof(IAsyncDisposable)) && !type.IsAssignableTo(typeof(IAsyncLifetime))).ShouldBeEmpty();
    }
}
