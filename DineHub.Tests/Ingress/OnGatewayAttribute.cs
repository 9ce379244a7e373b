namespace DineHub.Tests.Ingress;

/// <summary>Runs a theory on the gateway.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OnGatewayAttribute() : OnIngressAttribute(IngressKind.Gateway);
