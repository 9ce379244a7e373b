namespace DineHub.Tests;

/// <summary>An end to every wait: what hangs fails, and says where.</summary>
internal static class Deadline
{
    /// <summary>For what takes moments on an idle machine.</summary>
    public static readonly TimeSpan Usual = TimeSpan.FromSeconds(60);

    /// <summary>For what takes seconds on an idle machine, such as a program's run.</summary>
    public static readonly TimeSpan Long = TimeSpan.FromMinutes(3);

    /// <summary>For what takes many seconds on an idle machine: a whole cluster's start or stop.</summary>
    public static readonly TimeSpan Cluster = TimeSpan.FromMinutes(6);

    /// <summary>Waits with a deadline.</summary>
    /// <param name="task">What is waited for.</param>
    /// <param name="what">What is waited for, in words: <c>the gateway has stopped</c>.</param>
    /// <param name="deadline">How long; <see cref="Usual"/> where nothing is given.</param>
    /// <exception cref="TimeoutException">It took longer.</exception>
    public static async Task OrFailAsync(this Task task, string what, TimeSpan? deadline = null)
    {
        try
        {
            await task.WaitAsync(deadline ?? Usual);
        }
        catch (TimeoutException e) when (!task.IsCompleted)
        {
            throw new TimeoutException($"Waited in vain until {what}.", e);
        }
    }

    /// <summary>Waits for a result with a deadline.</summary>
    /// <inheritdoc cref="OrFailAsync(Task, string, TimeSpan?)"/>
    public static async Task<T> OrFailAsync<T>(this Task<T> task, string what, TimeSpan? deadline = null)
    {
        await OrFailAsync((Task)task, what, deadline);
        return await task;
    }

    /// <inheritdoc cref="OrFailAsync(Task, string, TimeSpan?)"/>
    public static Task OrFailAsync(this ValueTask task, string what, TimeSpan? deadline = null) => task.AsTask().OrFailAsync(what, deadline);
}
