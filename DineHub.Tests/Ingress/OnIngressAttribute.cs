using System.Reflection;
using Xunit.Sdk;

namespace DineHub.Tests.Ingress;

/// <summary>Runs a theory on one kind of ingress, which is its first argument, with every <see cref="CaseAttribute"/> that it has.</summary>
/// <param name="kind">The kind.</param>
public abstract class OnIngressAttribute(IngressKind kind) : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod)
    {
        var cases = testMethod.GetCustomAttributes<CaseAttribute>().Select(one => one.Arguments).ToList();
        return cases.Count == 0 ? [[kind]] : cases.Select(arguments => (object[])[kind, .. arguments]);
    }
}
