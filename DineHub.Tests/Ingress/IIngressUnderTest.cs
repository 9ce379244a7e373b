namespace DineHub.Tests.Ingress;

/// <summary>An ingress that runs; disposing ends it at once.</summary>
internal interface IIngressUnderTest : IAsyncDisposable
{
    /// <summary>Tells it to end what is under way and to stop, as systemd does; it may run on for a while.</summary>
    void BeginStop();

    /// <summary>Whether it has ended.</summary>
    bool HasEnded { get; }
}
