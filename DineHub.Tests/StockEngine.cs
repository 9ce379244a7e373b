namespace DineHub.Tests;

internal static partial class TestEngine
{
    public const string AssemblyName = "DineHub.Tests";

    public static bool IsCitus => false;
}
