using Aspire.Hosting.ApplicationModel;
using Npgsql;

namespace DineHub.AppHost.Aspire;

/// <summary>Makes nodes known to each other, by the names that containers have among themselves. May be repeated.</summary>
internal static class CitusRegistration
{
    /// <summary>Tells the coordinator its own address.</summary>
    public static async Task RegisterAsync(CitusClusterResource cluster, CancellationToken ct)
    {
        await cluster.Registration.WaitAsync(ct);
        try
        {
            await using var coordinator = await OpenAsync(cluster, ct);
            await RegisterAsync(coordinator, cluster, ct);
        }
        finally
        {
            cluster.Registration.Release();
        }
    }

    /// <summary>Adds a worker to its cluster, whose coordinator must be healthy. A cluster that has distributed tables already is left as it is.</summary>
    public static async Task RegisterAsync(CitusWorkerResource worker, CancellationToken ct)
    {
        var cluster = worker.Parent;
        await cluster.Registration.WaitAsync(ct);
        try
        {
            await using var coordinator = await OpenAsync(cluster, ct);
            await RegisterAsync(coordinator, cluster, ct);
            await using (var node = await OpenAsync(worker, ct))
            {
                await SignInAsync(node, cluster, ct);
            }


            // A node that is added gets all tables, so their owners must be there: where there are tables, whoever has made those roles adds it.
            await ExecuteAsync(
                coordinator, "SELECT citus_add_node($1, $2) WHERE NOT EXISTS (SELECT FROM pg_dist_partition)", ct, worker.Name, CitusNodeResource.Port);
        }
        finally
        {
            cluster.Registration.Release();
        }
    }

    /// <summary>Connects to a node's database as its superuser.</summary>
    public static async Task<NpgsqlConnection> OpenAsync(CitusNodeResource node, CancellationToken ct)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(await node.AdministratorExpression.GetValueAsync(ct))
        {
            Database = node.Cluster.DatabaseName,
            Pooling = false,
            Timeout = 3,
            CommandTimeout = 30,
        }.ConnectionString);
        try
        {
            await connection.OpenAsync(ct);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private static async Task RegisterAsync(NpgsqlConnection coordinator, CitusClusterResource cluster, CancellationToken ct)
    {
        await SignInAsync(coordinator, cluster, ct);
        await ExecuteAsync(
            coordinator,
            "SELECT citus_set_coordinator_host($1, $2) WHERE NOT EXISTS (SELECT FROM pg_dist_node WHERE groupid = 0 AND nodename = $1)",
            ct, cluster.Name, CitusNodeResource.Port);
    }

    // pg_dist_authinfo is local to each node; node 0 stands for all of them.
    private static async Task SignInAsync(NpgsqlConnection node, CitusClusterResource cluster, CancellationToken ct)
    {
        var password = await cluster.PasswordParameter.GetValueAsync(ct) ?? "";
        await using var transaction = await node.BeginTransactionAsync(ct);

        // A failed statement is written to the server's log with its values.
        await ExecuteAsync(node, "SET LOCAL log_min_error_statement = 'panic'", ct);
        await ExecuteAsync(node, "DELETE FROM pg_dist_authinfo WHERE nodeid = 0 AND rolename = $1", ct, CitusNodeResource.UserName);
        await ExecuteAsync(
            node, "INSERT INTO pg_dist_authinfo (nodeid, rolename, authinfo) VALUES (0, $1, $2)", ct, CitusNodeResource.UserName, LibpqPassword(password));
        await transaction.CommitAsync(ct);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct, params object[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        }

        await command.ExecuteNonQueryAsync(ct);
    }

    // Quoted as libpq asks (PostgreSQL documentation, 34.1.1).
    private static string LibpqPassword(string password) =>
        $"password='{password.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("'", @"\'", StringComparison.Ordinal)}'";
}
