using DineHub.AppHost.Local;

namespace DineHub.Tests.Ingress;

/// <summary>Runs a theory on nginx, where nginx is installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OnNginxAttribute : OnIngressAttribute
{
    public OnNginxAttribute()
        : base(IngressKind.Nginx)
    {
        if (ProcessLauncher.FindProgram(NginxProcess.Program) is null)
        {
            Skip = $"{NginxProcess.Program} is not installed: apt-get install {NginxProcess.Package}";
        }
    }
}
