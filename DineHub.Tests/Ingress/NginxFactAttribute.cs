namespace DineHub.Tests.Ingress;

/// <summary>A fact about what nginx says, which is skipped, with the reason, where nginx is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NginxFactAttribute : FactAttribute
{
    public NginxFactAttribute() => Skip = NginxProcess.Missing;
}
