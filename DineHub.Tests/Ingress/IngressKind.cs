namespace DineHub.Tests.Ingress;

/// <summary>The forms in which an ingress comes.</summary>
public enum IngressKind
{
    /// <summary>DineHub.Gateway: YARP.</summary>
    Gateway,

    /// <summary>nginx with the generated configuration.</summary>
    Nginx,
}
