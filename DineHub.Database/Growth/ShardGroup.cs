namespace DineHub.Database.Growth;

/// <summary>The shards of all distributed tables that hold the same hash values: they live on one worker and move together.</summary>
/// <param name="Shard">The id of the group's shard of the table <c>orders</c>, by which Citus and the verbs name the group.</param>
/// <param name="Worker">The worker that holds it.</param>
/// <param name="First">The first hash value.</param>
/// <param name="Last">The last hash value.</param>
public sealed record ShardGroup(long Shard, string Worker, int First, int Last)
{
    /// <summary>Whether it holds a single hash value, and so a single restaurant.</summary>
    public bool IsIsolated => First == Last;
}

/// <summary>A worker, as far as a plan needs to know it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Region">Its region.</param>
/// <param name="TakesShards">False for a worker that is being removed: it gives all that it has.</param>
public sealed record ShardWorker(string Name, string Region, bool TakesShards = true);

/// <summary>A step of a plan.</summary>
/// <param name="Group">What moves; its worker is where from.</param>
/// <param name="To">The worker that takes it.</param>
public sealed record ShardMove(ShardGroup Group, string To);
