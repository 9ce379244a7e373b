namespace DineHub.Tests;

internal static partial class TestEngine
{
    public const string AssemblyName = "DineHub.Tests.Citus";

    public static bool IsCitus => true;
}
