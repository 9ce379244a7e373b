namespace DineHub.Database.Locality;

/// <summary>A row of the table <c>workers</c>.</summary>
/// <param name="Name">The node's name in the topology.</param>
/// <param name="Region">The region that it stands in.</param>
/// <param name="Position">Its index in the topology, from 0: on stock PostgreSQL the remainder of its partitions.</param>
/// <param name="NodeId">Its id in pg_dist_node on Citus; null on stock PostgreSQL.</param>
internal sealed record Worker(string Name, string Region, int Position, int? NodeId);
