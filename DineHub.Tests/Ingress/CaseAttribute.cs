namespace DineHub.Tests.Ingress;

/// <summary>One case of a theory that runs on several kinds of ingress.</summary>
/// <param name="arguments">What follows the kind.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class CaseAttribute(params object[] arguments) : Attribute
{
    public IReadOnlyList<object> Arguments { get; } = arguments;
}
