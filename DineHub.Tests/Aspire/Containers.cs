#if USE_ASPIRE
using System.ComponentModel;
using System.Diagnostics;

namespace DineHub.Tests.Aspire;

/// <summary>Whether containers can be run here.</summary>
internal static class Containers
{
    public static bool Answer() => Answers("docker") || Answers("podman");

    private static bool Answers(string program)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, "info") { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var error = process.StandardError.ReadToEndAsync();
            process.StandardOutput.ReadToEnd();
            error.GetAwaiter().GetResult();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
#endif
