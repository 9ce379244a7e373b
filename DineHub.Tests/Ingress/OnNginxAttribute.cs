namespace DineHub.Tests.Ingress;

/// <summary>Runs a theory on nginx, where nginx is installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OnNginxAttribute : OnIngressAttribute
{
    public OnNginxAttribute()
        : base(IngressKind.Nginx)
    {
        if (NginxProgram.Path is null)
        {
            Skip = "nginx is not installed: apt-get install nginx-light";
        }
    }
}
