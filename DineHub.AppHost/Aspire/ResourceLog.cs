using Microsoft.Extensions.Logging;

namespace DineHub.AppHost.Aspire;

/// <summary>What commands write to a resource's console log.</summary>
internal static partial class ResourceLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Sample order placed: {Order}")]
    public static partial void SampleOrderPlaced(this ILogger logger, string order);
}
