namespace DineHub.Tests.Ingress;

/// <summary>The one place where cases ask which ingress they run on.</summary>
internal static class Differences
{
    private static readonly HashSet<Difference> OfNginx = [.. Enum.GetValues<Difference>()];

    /// <summary>Whether this kind is the one that differs.</summary>
    public static bool Has(this IngressKind kind, Difference difference) => kind == IngressKind.Nginx && OfNginx.Contains(difference);
}
