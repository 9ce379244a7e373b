namespace DineHub.AppHost.Prerequisites;

/// <summary>The console that questions are asked on.</summary>
/// <param name="Input">The answers.</param>
/// <param name="Output">The questions and progress.</param>
/// <param name="IsInteractive">Whether there is a user to answer: neither standard input nor standard output is redirected.</param>
internal sealed record Terminal(TextReader Input, TextWriter Output, bool IsInteractive)
{
    /// <summary>This process's own.</summary>
    public static Terminal OfProcess => new(Console.In, Console.Out, !Console.IsInputRedirected && !Console.IsOutputRedirected);

    /// <summary>Asks a question to be answered by yes or no. An empty answer is yes; the end of the input is no.</summary>
    public async Task<bool> ConfirmAsync(string question, CancellationToken ct)
    {
        while (true)
        {
            await Output.WriteAsync($"{question} [Y/n] ");
            await Output.FlushAsync(ct);
            switch ((await Input.ReadLineAsync(ct))?.Trim().ToUpperInvariant())
            {
                case "" or "Y" or "YES":
                    return true;
                case null or "N" or "NO":
                    return false;
                default:
                    await Output.WriteLineAsync("Please answer 'y' or 'n'.");
                    break;
            }
        }
    }
}
