namespace DineHub.AppHost.Running;

/// <summary>A node answers that it will not serve this cluster: waiting for it is in vain.</summary>
/// <param name="reason">Why, in one sentence that follows the node's name.</param>
/// <param name="cause">The exception that showed it.</param>
internal sealed class RefusalException(string reason, Exception cause) : Exception(reason, cause);
