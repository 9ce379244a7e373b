using Microsoft.Extensions.Logging;

namespace DineHub.AppHost.Aspire;

/// <summary>What commands write to a resource's console log, and the publisher to the pipeline's.</summary>
internal static partial class ResourceLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Sample order placed: {Order}")]
    public static partial void SampleOrderPlaced(this ILogger logger, string order);

    [LoggerMessage(Level = LogLevel.Information, Message = "db promote: {Output}")]
    public static partial void Promoted(this ILogger logger, string output);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Environment}: {Count} files in {Folder}")]
    public static partial void Published(this ILogger logger, string environment, int count, string folder);
}
