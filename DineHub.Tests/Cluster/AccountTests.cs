using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using DineHub.Api.Accounts;
using Npgsql;

namespace DineHub.Tests.Cluster;

[Collection(ClusterCollection.Name)]
public sealed class AccountTests(ClusterFixture fixture)
{
    private const string Accounts = "/api/v1/accounts";
    private const string Me = Accounts + "/me";
    private const int FreeTries = 5;

    private static int clients;

    [Fact]
    public async Task Tokens_of_one_replica_work_at_every_other_and_after_a_restart()
    {
        var account = await fixture.SignUpAsync();
        fixture.Cluster.Backends.Select(backend => backend.Node.Region).Distinct().Count().ShouldBe(2);
        foreach (var backend in fixture.Cluster.Backends)
        {
            using var client = ClusterFixture.Client(backend.Url);
            (await client.JsonAsync(HttpMethod.Get, Me, account.AccessToken)).GetProperty("email").GetString().ShouldBe(account.Email);
            await client.JsonAsync(HttpMethod.Post, Accounts + "/refresh", body: new { account.RefreshToken });
        }

        var restarted = fixture.Cluster.Backends[0];
        await restarted.StopAsync();
        await restarted.StartAsync(CancellationToken.None);
        using var fresh = ClusterFixture.Client(restarted.Url);
        await fresh.JsonAsync(HttpMethod.Get, Me, account.AccessToken);
        await fresh.JsonAsync(HttpMethod.Post, Accounts + "/refresh", body: new { account.RefreshToken });
    }

    [Fact]
    public async Task Signing_out_everywhere_ends_refresh_tokens_at_every_replica_at_once()
    {
        var account = await fixture.SignUpAsync();
        var (_, otherDevice) = await fixture.SignInAsync(account.Email, account.Password);
        await fixture.Eu.JsonAsync(HttpMethod.Post, Me + "/sign-out-everywhere", account.AccessToken);
        foreach (var backend in fixture.Cluster.Backends)
        {
            using var client = ClusterFixture.Client(backend.Url);
            (await RefreshAsync(client, account.RefreshToken)).ShouldBe(HttpStatusCode.Unauthorized);
            (await RefreshAsync(client, otherDevice)).ShouldBe(HttpStatusCode.Unauthorized);
        }

        await fixture.SignInAsync(account.Email, account.Password);
    }

    [Fact]
    public async Task Changing_the_password_ends_sessions_and_the_old_password()
    {
        var account = await fixture.SignUpAsync();
        await fixture.Eu.JsonAsync(
            HttpMethod.Put, Me + "/password", account.AccessToken, new { account.Password, newPassword = "another-secret" });
        (await RefreshAsync(fixture.Us, account.RefreshToken)).ShouldBe(HttpStatusCode.Unauthorized);
        using (var old = await GuessAsync(account.Email, account.Password))
        {
            old.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        }

        await fixture.SignInAsync(account.Email, "another-secret");
    }

    [Theory]
    [InlineData("")]
    [InlineData("not-a-token")]
    public async Task A_malformed_token_gets_401(string token)
    {
        using var response = await fixture.Eu.SendAsync(HttpMethod.Get, Me, token);
        response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Neither_token_stands_for_the_other()
    {
        var account = await fixture.SignUpAsync();
        using var response = await fixture.Eu.SendAsync(HttpMethod.Get, Me, account.RefreshToken);
        response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await RefreshAsync(fixture.Eu, account.AccessToken)).ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Five_wrong_passwords_lock_an_address_whether_it_has_an_account_or_not(bool exists)
    {
        var (email, password) = ($"unknown-{Guid.NewGuid():n}@example.org", "a-good-password");
        if (exists)
        {
            (_, email, password, _, _) = await fixture.SignUpAsync();
        }

        for (var i = 0; i < FreeTries; i++)
        {
            using var wrong = await GuessAsync(email, "wrong password");
            wrong.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        }

        foreach (var guess in new[] { "wrong password", password })
        {
            using var locked = await GuessAsync(email, guess);
            locked.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
            locked.Headers.RetryAfter!.Delta!.Value.ShouldBeInRange(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5));
            (await ReasonAsync(locked)).ShouldBe("TooManyTries");
        }
    }

    [Fact]
    public async Task Of_50_guesses_side_by_side_at_all_replicas_5_are_looked_at()
    {
        var account = await fixture.SignUpAsync();
        var guesses = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => GuessAsync(account.Email, $"wrong password {i}", backend: i)));
        var looked = guesses.Count(response => response.StatusCode == HttpStatusCode.Unauthorized);
        looked.ShouldBeInRange(1, FreeTries);
        guesses.Count(response => response.StatusCode == HttpStatusCode.TooManyRequests).ShouldBe(50 - looked);
        guesses.Where(response => response.StatusCode == HttpStatusCode.TooManyRequests)
            .ShouldAllBe(response => response.Headers.RetryAfter!.Delta >= TimeSpan.FromSeconds(1));
        Array.ForEach(guesses, response => response.Dispose());
    }

    [Fact]
    public async Task Guesses_at_an_account_whose_count_is_locked_are_429()
    {
        var account = await fixture.SignUpAsync();
        (await GuessAsync(account.Email, "wrong password")).Dispose();
        await using var connection = new NpgsqlConnection(fixture.Cluster.ApiConnectionString);
        await connection.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand("SELECT failures FROM sign_in_attempts WHERE account_id = $1 FOR UPDATE", connection, transaction);
        command.Parameters.AddWithValue(account.Id);
        (await command.ExecuteScalarAsync()).ShouldBe(1);
        var guesses = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => GuessAsync(account.Email, "wrong password", backend: i)));
        guesses.ShouldAllBe(response => response.StatusCode == HttpStatusCode.TooManyRequests);
        Array.ForEach(guesses, response => response.Dispose());
    }

    [Fact]
    public async Task Several_devices_sign_in_side_by_side()
    {
        var account = await fixture.SignUpAsync();
        for (var round = 0; round < 3; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, FreeTries - 1).Select(_ => fixture.SignInAsync(account.Email, account.Password)));
        }
    }

    [Fact]
    public async Task Changes_of_an_account_side_by_side_all_succeed()
    {
        var account = await fixture.SignUpAsync();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i =>
            (i % 2 == 0 ? fixture.Eu : fixture.Us).JsonAsync(HttpMethod.Put, Me, account.AccessToken, new { name = $"Ada {i}" })));
        (await fixture.Eu.JsonAsync(HttpMethod.Get, Me, account.AccessToken)).GetProperty("name").GetString().ShouldStartWith("Ada");
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i =>
            (i % 2 == 0 ? fixture.Eu : fixture.Us).JsonAsync(HttpMethod.Post, Me + "/sign-out-everywhere", account.AccessToken)));
        using var ended = await fixture.Eu.SendAsync(HttpMethod.Get, Me, account.AccessToken);
        ended.StatusCode.ShouldBe(HttpStatusCode.Unauthorized, "one's own data is closed at once to the tokens of sessions that were ended");
    }

    [Fact]
    public async Task A_password_is_not_guessed_by_changing_it_or_by_erasing_the_account_either()
    {
        var account = await fixture.SignUpAsync();
        for (var i = 0; i <= FreeTries; i++)
        {
            using var request = i % 2 == 0
                ? TestAccounts.Request(HttpMethod.Put, Me + "/password", account.AccessToken, new { password = "wrong password", newPassword = "another-secret" })
                : TestAccounts.Request(HttpMethod.Post, Me + "/erase", account.AccessToken, new { password = "wrong password" });
            request.Headers.Add("X-Forwarded-For", NextClient());
            using var backend = ClusterFixture.Client(fixture.Cluster.Backends[0].Url);
            using var response = await backend.SendAsync(request);
            response.StatusCode.ShouldBe(i < FreeTries ? HttpStatusCode.Unauthorized : HttpStatusCode.TooManyRequests);
        }
    }

    [Theory]
    [InlineData("203.0.113.1", "203.0.113.1", "203.0.113.2")]
    [InlineData("2001:db8:1:1::1", "2001:db8:1:1:ffff::2", "2001:db8:1:2::1")]
    public async Task Guessing_over_many_accounts_limits_only_the_guessing_client(string client, string same, string other)
    {
        for (var i = 0; i < GuessThrottle.MaxFailuresPerMinute; i++)
        {
            using var wrong = await GuessAsync($"unknown-{Guid.NewGuid():n}@example.org", "wrong password", i % 2 == 0 ? client : same);
            wrong.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        }

        using var stopped = await GuessAsync($"unknown-{Guid.NewGuid():n}@example.org", "wrong password", same);
        stopped.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        stopped.Headers.RetryAfter!.Delta!.Value.ShouldBeInRange(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        using var free = await GuessAsync($"unknown-{Guid.NewGuid():n}@example.org", "wrong password", other);
        free.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_wrong_password_and_an_unknown_address_are_answered_alike()
    {
        var account = await fixture.SignUpAsync();
        using var wrong = await GuessAsync(account.Email, "wrong password");
        using var unknown = await GuessAsync($"unknown-{Guid.NewGuid():n}@example.org", "wrong password");
        wrong.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        unknown.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await BodyAsync(unknown)).ShouldBe(await BodyAsync(wrong));
        unknown.Headers.Select(header => header.Key).ShouldBe(wrong.Headers.Select(header => header.Key), ignoreOrder: true);

        static async Task<string> BodyAsync(HttpResponseMessage response)
        {
            var problem = (await response.Content.ReadFromJsonAsync<JsonObject>())!;
            problem.Remove("traceId").ShouldBeTrue();
            return problem.ToJsonString();
        }
    }

    [Fact]
    public async Task An_address_has_one_account_whatever_its_case()
    {
        var account = await fixture.SignUpAsync();
        foreach (var email in new[] { account.Email, account.Email.ToUpperInvariant(), $"  {account.Email} " })
        {
            using var response = await RegisterAsync(new { email, password = "a-good-password", name = "Ada" });
            response.StatusCode.ShouldBe(HttpStatusCode.Conflict);
            (await ReasonAsync(response)).ShouldBe("EmailTaken");
        }

        await fixture.SignInAsync(account.Email.ToUpperInvariant(), account.Password);
    }

    [Fact]
    public async Task Of_many_who_register_an_address_at_once_one_does()
    {
        var email = $"user-{Guid.NewGuid():n}@example.org";
        var responses = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => RegisterAsync(new { email, password = "a-good-password", name = "Ada" })));
        responses.Select(response => response.StatusCode).Order().ShouldBe([HttpStatusCode.Created, .. Enumerable.Repeat(HttpStatusCode.Conflict, 7)]);
    }

    [Theory]
    [InlineData("{}", "email", "password", "name")]
    [InlineData("""{"email":null,"password":"a-good-password","name":"Ada"}""", "email")]
    [InlineData("""{"email":"ada","password":"a-good-password","name":"Ada"}""", "email")]
    [InlineData("""{"email":"ada@localhost","password":"a-good-password","name":"Ada"}""", "email")]
    [InlineData("""{"email":"Ada <ada@example.org>","password":"a-good-password","name":"Ada"}""", "email")]
    [InlineData("""{"email":"ada@example.org, eve@example.org","password":"a-good-password","name":"Ada"}""", "email")]
    [InlineData("""{"email":"ada@example.org\u0000","password":"a-good-password","name":"Ada"}""", "email")]
    [InlineData("""{"email":7,"password":"a-good-password","name":"Ada"}""", "email")]
    [InlineData("""{"email":"ada@example.org","password":"too short","name":"Ada"}""", "password")]
    [InlineData("""{"email":"ada@example.org","password":"ADA@example.org","name":"Ada"}""", "password")]
    [InlineData("""{"email":"ada@example.org","password":"            ","name":"Ada"}""", "password")]
    [InlineData("""{"email":"ada@example.org","password":"a-good-\u0000password","name":"Ada"}""", "password")]
    [InlineData("""{"email":"ada@example.org","password":"a-good-password","name":" "}""", "name")]
    [InlineData("""{"email":"ada@example.org","password":"a-good-password","name":"Ada\u0000"}""", "name")]
    [InlineData("""{"email":"ada@example.org","password":"a-good-password","name":"Ada","phone":"0123456789012345678901234567890"}""", "phone")]
    public async Task A_bad_registration_is_400_and_names_the_field(string body, params string[] fields)
    {
        using var response = await RegisterAsync(JsonSerializer.Deserialize<JsonElement>(body));
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").EnumerateObject().Select(error => error.Name).ShouldBe(fields, ignoreOrder: true);
    }

    [Theory]
    [InlineData(129, 3)]
    [InlineData(20, 101)]
    public async Task What_is_too_long_is_not_registered(int password, int name)
    {
        using var response = await RegisterAsync(new { email = "ada@example.org", password = new string('p', password), name = new string('n', name) });
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Registered_accounts_can_sign_in_with_any_characters_in_the_password()
    {
        var email = $"user-{Guid.NewGuid():n}@example.org";
        foreach (var password in (string[])["  spaces at both ends  ", new string('p', 128), "пароль と パスワード 🔑", "\t\"quotes\" \\ and 'more'"])
        {
            var unique = $"{Guid.NewGuid():n}-{email}";
            await fixture.Eu.JsonAsync(HttpMethod.Post, Accounts, body: new { email = unique, password, name = "Ada" });
            await fixture.SignInAsync(unique, password);
        }
    }

    [Fact]
    public async Task A_revoked_operator_loses_access_at_the_next_refresh()
    {
        var account = await fixture.SignUpOperatorAsync();
        await fixture.Eu.JsonAsync(HttpMethod.Delete, "/api/v1/operators/" + account.Email, fixture.Cluster.OperatorKey);
        account = await fixture.RefreshAsync(account);
        using var response = await fixture.Eu.SendAsync(HttpMethod.Post, "/api/v1/restaurants", account.AccessToken, new { });
        response.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task No_password_and_no_token_stands_in_a_log()
    {
        var restaurantId = await fixture.CreateRestaurantAsync();
        var account = await fixture.SignUpAsync();
        var invitation = await fixture.InviteAsync(fixture.Cluster.OperatorKey, restaurantId, account.Email, "Kitchen");
        (await fixture.AcceptAsync(account, restaurantId, invitation)).EnsureSuccessStatusCode().Dispose();
        var hired = await fixture.RefreshAsync(account);
        var order = await fixture.OrderAsync(restaurantId, hired.AccessToken);
        var trackingToken = order.GetProperty("trackingToken").GetString()!;
        var path = TestAccounts.Order(restaurantId, order.GetProperty("id").GetGuid());
        using (var stream = await fixture.Eu.GetAsync($"{path}/events?token={trackingToken}", HttpCompletionOption.ResponseHeadersRead))
        {
            stream.StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        // What fails is logged more than what goes well.
        var guessed = "guessed-" + Guid.NewGuid();
        (await GuessAsync(account.Email, guessed)).Dispose();
        (await RefreshAsync(fixture.Eu, account.RefreshToken + "x")).ShouldBe(HttpStatusCode.Unauthorized);
        (await fixture.Eu.GetAsync($"{TestAccounts.Order(restaurantId, Guid.NewGuid())}/events?token={trackingToken}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await RegisterAsync(new { email = account.Email, password = account.Password, name = 7 })).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        var worker = fixture.Cluster.Node(await fixture.WorkerOfAsync(account.Id));
        await worker.KillAsync();
        try
        {
            (await GuessAsync(account.Email, account.Password)).StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
            (await RefreshAsync(fixture.Eu, account.RefreshToken)).ShouldBe(HttpStatusCode.ServiceUnavailable);
        }
        finally
        {
            await worker.StartAsync(CancellationToken.None);
        }

        // Each replica by itself finds its way back.
        foreach (var backend in fixture.Cluster.Backends)
        {
            using var client = ClusterFixture.Client(backend.Url);
            await Eventually.TrueAsync(async () => await RefreshAsync(client, account.RefreshToken) == HttpStatusCode.OK, $"{backend.Name} answers again");
        }

        string[] secrets =
        [
            account.Password, guessed, account.AccessToken, account.RefreshToken, hired.AccessToken, hired.RefreshToken, invitation.Token, trackingToken, fixture.Cluster.OperatorKey,
        ];
        var logs = Directory.GetFiles(Path.Combine(fixture.Cluster.DataDirectory, "logs"));
        logs.Length.ShouldBeGreaterThanOrEqualTo(fixture.Cluster.Nodes.Count);
        foreach (var log in logs)
        {
            var text = await LogFile.ReadAsync(log);
            secrets.Where(secret => text.Contains(secret, StringComparison.Ordinal)).ShouldBeEmpty(log);
        }
    }

    [Fact]
    public async Task The_keys_of_tokens_are_stored_encrypted_and_once()
    {
        await using var dataSource = Npgsql.NpgsqlDataSource.Create(fixture.Cluster.ApiConnectionString);
        await using var command = dataSource.CreateCommand("SELECT xml FROM data_protection_keys");
        await using var reader = await command.ExecuteReaderAsync();
        var keys = new List<string>();
        while (await reader.ReadAsync())
        {
            keys.Add(reader.GetString(0));
        }

        // The replicas started side by side: a key that one of them does not know would be tokens that it calls invalid.
        var key = keys.ShouldHaveSingleItem();
        key.ShouldContain("aesGcm");
        key.ShouldNotContain("masterKey");
        key.ShouldNotContain("<value>");
    }

    [Fact]
    public async Task A_removed_member_of_staff_loses_access_at_the_next_refresh()
    {
        var restaurantId = await fixture.CreateRestaurantAsync();
        var cook = await fixture.SignUpStaffAsync(restaurantId, "Kitchen");
        var manager = await fixture.SignUpStaffAsync(restaurantId, "Manager");
        await fixture.Eu.JsonAsync(HttpMethod.Get, TestAccounts.Restaurant(restaurantId) + "/orders", cook.AccessToken);
        await fixture.Eu.JsonAsync(HttpMethod.Delete, $"{TestAccounts.Restaurant(restaurantId)}/staff/{cook.Id}", manager.AccessToken);
        cook = await fixture.RefreshAsync(cook);
        using var response = await fixture.Eu.SendAsync(HttpMethod.Get, TestAccounts.Restaurant(restaurantId) + "/orders", cook.AccessToken);
        response.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await fixture.Eu.JsonAsync(HttpMethod.Get, Me, cook.AccessToken)).GetProperty("staff").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task Whose_restaurant_does_not_answer_signs_in_without_its_role_and_gets_it_back_at_a_refresh()
    {
        var account = await fixture.SignUpAsync();
        var restaurantId = await fixture.CreateRestaurantAsync();
        while (await fixture.WorkerOfAsync(restaurantId) == await fixture.WorkerOfAsync(account.Id))
        {
            restaurantId = await fixture.CreateRestaurantAsync();
        }

        account = await fixture.HireAsync(account, restaurantId, "Manager");
        var worker = fixture.Cluster.Node(await fixture.WorkerOfAsync(restaurantId));
        await worker.KillAsync();
        try
        {
            var (access, _) = await fixture.SignInAsync(account.Email, account.Password);
            (await RolesAsync(access)).ShouldBeEmpty();
            (await RolesAsync((await fixture.RefreshAsync(account)).AccessToken)).ShouldBeEmpty();
        }
        finally
        {
            await worker.StartAsync(CancellationToken.None);
        }

        await Eventually.TrueAsync(async () => (await RolesAsync((await fixture.RefreshAsync(account)).AccessToken)) is ["Manager"], "the role is back");

        async Task<string[]> RolesAsync(string token) =>
            [.. (await fixture.Eu.JsonAsync(HttpMethod.Get, Me, token)).GetProperty("staff").EnumerateArray().Select(of => of.GetProperty("role").GetString()!)];
    }

    [Fact]
    public async Task A_manager_appoints_and_removes_only_kitchen_staff()
    {
        var restaurantId = await fixture.CreateRestaurantAsync();
        var staff = TestAccounts.Restaurant(restaurantId) + "/staff";
        var manager = await fixture.SignUpStaffAsync(restaurantId, "Manager");
        var owner = await fixture.SignUpStaffAsync(restaurantId, "Owner");
        var ownersInvitation = await fixture.InviteAsync(owner.AccessToken, restaurantId, "somebody@example.org", "Manager");
        await fixture.InviteAsync(manager.AccessToken, restaurantId, "somebody@example.org", "Kitchen");
        foreach (var role in new[] { "Manager", "Owner" })
        {
            using var refused = await fixture.Eu.SendAsync(HttpMethod.Post, staff + "/invitations", manager.AccessToken, new { email = "somebody@example.org", role });
            refused.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
            (await ReasonAsync(refused)).ShouldBe("RoleTooLow");
        }

        foreach (var above in new[] { $"{staff}/{owner.Id}", $"{staff}/{manager.Id}", $"{staff}/invitations/{ownersInvitation.Id}" })
        {
            using var refused = await fixture.Eu.SendAsync(HttpMethod.Delete, above, manager.AccessToken);
            refused.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        }
    }

    [Fact]
    public async Task An_invitation_is_used_once_and_by_its_address_only()
    {
        var restaurantId = await fixture.CreateRestaurantAsync();
        var invited = await fixture.SignUpAsync();
        var other = await fixture.SignUpAsync();
        var invitation = await fixture.InviteAsync(fixture.Cluster.OperatorKey, restaurantId, invited.Email.ToUpperInvariant(), "Kitchen");
        await RefusedAsync(other, invitation);
        await RefusedAsync(invited, (invitation.Id, "wrong"));

        // As many taps as one likes are one acceptance, and no tap is a fault.
        var taps = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => fixture.AcceptAsync(invited, restaurantId, invitation)));
        taps.Select(response => response.StatusCode).Order().ShouldBe([HttpStatusCode.OK, .. Enumerable.Repeat(HttpStatusCode.NotFound, 7)]);

        await fixture.Eu.JsonAsync(HttpMethod.Delete, $"{TestAccounts.Restaurant(restaurantId)}/staff/{invited.Id}", fixture.Cluster.OperatorKey);
        await RefusedAsync(invited, invitation);

        var withdrawn = await fixture.InviteAsync(fixture.Cluster.OperatorKey, restaurantId, invited.Email, "Kitchen");
        await fixture.Eu.JsonAsync(HttpMethod.Delete, $"{TestAccounts.Restaurant(restaurantId)}/staff/invitations/{withdrawn.Id}", fixture.Cluster.OperatorKey);
        await RefusedAsync(invited, withdrawn);
        (await StaffAsync(restaurantId)).GetProperty("items").GetArrayLength().ShouldBe(0);

        async Task RefusedAsync(TestAccount account, (Guid Id, string Token) with)
        {
            using var response = await fixture.AcceptAsync(account, restaurantId, with);
            response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
            (await ReasonAsync(response)).ShouldBe("UnknownInvitation");
        }
    }

    [Fact]
    public async Task An_invitation_does_not_tell_its_token_again_and_is_stored_as_a_hash()
    {
        var restaurantId = await fixture.CreateRestaurantAsync();
        var (id, token) = await fixture.InviteAsync(fixture.Cluster.OperatorKey, restaurantId, "somebody@example.org", "Kitchen");
        var staff = await StaffAsync(restaurantId);
        staff.GetProperty("invitations").EnumerateArray().Single().GetProperty("id").GetGuid().ShouldBe(id);
        staff.ToString().ShouldNotContain(token);
    }

    [Fact]
    public async Task The_last_owner_stays()
    {
        var restaurantId = await fixture.CreateRestaurantAsync();
        var staff = TestAccounts.Restaurant(restaurantId) + "/staff";
        var owner = await fixture.SignUpStaffAsync(restaurantId, "Owner");
        using (var refused = await fixture.Eu.SendAsync(HttpMethod.Delete, $"{staff}/{owner.Id}", owner.AccessToken))
        {
            refused.StatusCode.ShouldBe(HttpStatusCode.Conflict);
            (await ReasonAsync(refused)).ShouldBe("LastOwner");
        }

        // Not of two who remove each other at the same moment either.
        for (var round = 0; round < 5; round++)
        {
            var second = await fixture.SignUpStaffAsync(restaurantId, "Owner");
            var removals = await Task.WhenAll(
                fixture.Eu.SendAsync(HttpMethod.Delete, $"{staff}/{owner.Id}", second.AccessToken),
                fixture.Us.SendAsync(HttpMethod.Delete, $"{staff}/{second.Id}", owner.AccessToken));
            removals.Select(response => response.StatusCode).Order().ShouldBe([HttpStatusCode.NoContent, HttpStatusCode.Conflict]);
            var left = (await StaffAsync(restaurantId)).GetProperty("items").EnumerateArray().Single();
            owner = left.GetProperty("accountId").GetGuid() == owner.Id ? owner : second;
        }
    }

    [Fact]
    public async Task The_last_owner_does_not_become_less_by_an_invitation()
    {
        var restaurantId = await fixture.CreateRestaurantAsync();
        var owner = await fixture.SignUpStaffAsync(restaurantId, "Owner");
        var invitation = await fixture.InviteAsync(owner.AccessToken, restaurantId, owner.Email, "Kitchen");
        (await fixture.AcceptAsync(owner, restaurantId, invitation)).Dispose();
        (await StaffAsync(restaurantId)).GetProperty("items").EnumerateArray().Single().GetProperty("role").GetString().ShouldBe("Owner");
    }

    // Each guess from a client address of its own, past the gateways, which would replace it: the throttle must not stop other tests.
    private async Task<HttpResponseMessage> GuessAsync(string email, string password, string? client = null, int backend = 0)
    {
        using var http = ClusterFixture.Client(fixture.Cluster.Backends[backend % fixture.Cluster.Backends.Count].Url);
        using var request = TestAccounts.Request(HttpMethod.Post, Accounts + "/sign-in", body: new { email, password });
        request.Headers.Add("X-Forwarded-For", client ?? NextClient());
        return await http.SendAsync(request);
    }

    private static string NextClient() => $"198.51.100.{Interlocked.Increment(ref clients) % 256}";

    private static async Task<HttpStatusCode> RefreshAsync(HttpClient client, string refreshToken)
    {
        using var response = await client.SendAsync(HttpMethod.Post, Accounts + "/refresh", body: new { refreshToken });
        return response.StatusCode;
    }

    private Task<HttpResponseMessage> RegisterAsync(object body) => fixture.Eu.SendAsync(HttpMethod.Post, Accounts, body: body);

    private Task<JsonElement> StaffAsync(Guid restaurantId) =>
        fixture.Eu.JsonAsync(HttpMethod.Get, TestAccounts.Restaurant(restaurantId) + "/staff", fixture.Cluster.OperatorKey);

    private static async Task<string?> ReasonAsync(HttpResponseMessage response) =>
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("reason").GetString();
}
