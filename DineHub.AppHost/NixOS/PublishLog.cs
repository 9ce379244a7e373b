using Microsoft.Extensions.Logging;

namespace DineHub.AppHost.NixOS;

/// <summary>What the publisher writes to the pipeline's log.</summary>
internal static partial class PublishLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "{Environment}: {Count} files in {Folder}")]
    public static partial void Published(this ILogger logger, string environment, int count, string folder);
}
