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
            await using var coordinator = (await OpenPrimaryAsync(cluster, ct)).Connection;
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
            await using var coordinator = (await OpenPrimaryAsync(cluster, ct)).Connection;
            await RegisterAsync(coordinator, cluster, ct);
            await using (var node = (await OpenPrimaryAsync(worker, ct)).Connection)
            {
                await SignInAsync(node, cluster, ct);
            }

            // A node that is added gets all tables, so their owners must be there: where there are tables, whoever has made those roles adds it.
            // One that has been promoted is known by its standby's name.
            await ExecuteAsync(
                coordinator,
                """
                SELECT citus_add_node($1, $2)
                WHERE NOT EXISTS (SELECT FROM pg_dist_partition) AND NOT EXISTS (SELECT FROM pg_dist_node WHERE nodename = ANY ($3))
                """,
                ct, worker.Name, CitusNodeResource.Port, NamesOf(worker));
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

            // What is registered is registered again at the next start; a commit that waits for a standby which is only starting would hold that up.
            Options = "-c synchronous_commit=local",
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

    /// <summary>Connects to whichever server of a group is the primary now.</summary>
    /// <param name="node">The group's first server.</param>
    /// <param name="ct">Cancels it.</param>
    /// <exception cref="NpgsqlException">None is; the message is that of the first one that does not answer.</exception>
    public static async Task<(CitusNodeResource Primary, NpgsqlConnection Connection)> OpenPrimaryAsync(CitusNodeResource node, CancellationToken ct)
    {
        NpgsqlException? problem = null;
        foreach (var member in node.Group)
        {
            NpgsqlConnection? connection = null;
            try
            {
                connection = await OpenAsync(member, ct);
                await using var command = new NpgsqlCommand("SELECT pg_is_in_recovery()", connection);
                if (await command.ExecuteScalarAsync(ct) is false)
                {
                    return (member, connection);
                }
            }
            catch (NpgsqlException e)
            {
                problem ??= e;
            }

            await (connection?.DisposeAsync() ?? ValueTask.CompletedTask);
        }

        throw problem ?? new NpgsqlException($"Neither {string.Join(" nor ", NamesOf(node))} is a primary.");
    }

    private static async Task RegisterAsync(NpgsqlConnection coordinator, CitusClusterResource cluster, CancellationToken ct)
    {
        await SignInAsync(coordinator, cluster, ct);
        await ExecuteAsync(
            coordinator,
            "SELECT citus_set_coordinator_host($1, $2) WHERE NOT EXISTS (SELECT FROM pg_dist_node WHERE groupid = 0 AND nodename = ANY ($3))",
            ct, cluster.Name, CitusNodeResource.Port, NamesOf(cluster));
    }

    private static string[] NamesOf(CitusNodeResource node) => [.. node.Group.Select(member => member.Name)];

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
