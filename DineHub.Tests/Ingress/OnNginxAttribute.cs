namespace DineHub.Tests.Ingress;

/// <summary>Runs a theory on nginx, where nginx is installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OnNginxAttribute : OnIngressAttribute
{
    public OnNginxAttribute()
        : base(IngressKind.Nginx) => Skip = NginxProcess.Missing;
}
