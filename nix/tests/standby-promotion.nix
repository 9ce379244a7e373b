# A worker's machine is lost: its restaurants wait, an operator promotes its standby, and every acknowledged order is there.
# The lost machine comes back as a standby of the new primary. Then the coordinator's turn, while everything works.
{ common, ... }:

let
  standby = name: region: follows: common.node name region // { inherit follows; };
in
{
  name = "dinehub-standby-promotion";

  defaults = common.base {
    durability = "standby";
    workers = [ (common.node "db-worker-1" "eu-west-1") ];
    standbys = [
      (standby "db-coordinator-standby" "us-east-1" "db-coordinator")
      (standby "db-worker-1-standby" "us-east-1" "db-worker-1")
    ];
  };

  nodes = {
    backend-eu-1.imports = [ common.backendMachine ];
    db-coordinator.imports = [ (common.databaseMachine "coordinator") ];
    db-worker-1.imports = [ (common.databaseMachine "worker") ];
    db-coordinator-standby.imports = [ (common.databaseMachine "standby") ];
    db-worker-1-standby.imports = [ (common.databaseMachine "standby") ];
  };

  testScript = common.script + ''
    def status(machine):
        return json.loads(machine.succeed("dinehub-db status --json"))


    def group(machine, name):
        return next(one for one in status(machine)["replication"] if one["group"] == name)


    def wait_in_sync(machine, name):
        machine.wait_until_succeeds(
            f"dinehub-db status --json | jq --exit-status '.replication[] | select(.group == \"{name}\") | .inSync'",
            timeout=300,
        )


    start_all()
    for server in (db_coordinator, db_worker_1):
        wait_for_database(server)
    set_up(db_coordinator)

    with subtest("standbys copy their primaries by themselves, and commits wait for them"):
        for server in (db_coordinator_standby, db_worker_1_standby):
            wait_for_database(server)
            server.succeed("test -e /var/lib/dinehub-postgres/data/standby.signal")
        for name in ("db-coordinator", "db-worker-1"):
            wait_in_sync(db_coordinator, name)

    wait_for_backend(backend_eu_1)
    restaurant = restaurant_of(backend_eu_1, own)
    acknowledged = [placed(backend_eu_1, own, restaurant, f"before-{number}") for number in range(5)]

    with subtest("a lost worker costs its restaurants, and says so at once"):
        db_worker_1.crash()
        code, answer = order(backend_eu_1, own, restaurant, "meanwhile")
        assert code == 503, f"{code}: {answer}"
        backend_eu_1.succeed("curl --silent --fail http://127.0.0.1:8080/api/v1/restaurants")

    with subtest("no promotion by a guess: an operator must confirm that a silent machine is lost"):
        db_coordinator.fail("dinehub-db promote db-worker-1 >&2")

    with subtest("its standby is promoted, and has every acknowledged order"):
        db_coordinator.succeed("dinehub-db promote db-worker-1 --lost >&2")
        assert group(db_coordinator, "db-worker-1")["primary"] == "db-worker-1-standby"
        backend_eu_1.wait_until_succeeds(f"customer order {own} {restaurant} meanwhile | grep --quiet '^201'", timeout=120)
        for one in acknowledged:
            assert read(backend_eu_1, own, restaurant, one) == 200, one["id"]

    with subtest("the lost machine comes back as a standby of the new primary"):
        db_worker_1.start()
        wait_for_database(db_worker_1)
        db_worker_1.succeed("test -e /var/lib/dinehub-postgres/data/standby.signal")
        wait_in_sync(db_coordinator, "db-worker-1")
        acknowledged += [placed(backend_eu_1, own, restaurant, f"between-{number}") for number in range(5)]

    with subtest("a coordinator that works is fenced first, and follows"):
        db_coordinator_standby.succeed("dinehub-db promote db-coordinator >&2")
        assert group(db_coordinator_standby, "db-coordinator")["primary"] == "db-coordinator-standby"
        backend_eu_1.wait_until_succeeds(f"customer order {own} {restaurant} after | grep --quiet '^201'", timeout=120)
        for one in acknowledged:
            assert read(backend_eu_1, own, restaurant, one) == 200, one["id"]
        db_coordinator.wait_until_succeeds("test -e /var/lib/dinehub-postgres/data/standby.signal", timeout=300)
        wait_in_sync(db_coordinator_standby, "db-coordinator")

    with subtest("Prometheus is told"):
        db_coordinator_standby.wait_until_succeeds(
            "curl --silent --fail http://127.0.0.1:9188/metrics | grep '^dinehub_database_primary_up{.*} 1'", timeout=60
        )
        backend_eu_1.succeed("curl --silent --fail http://${common.hostOf "db-coordinator-standby"}:9188/metrics >&2")
        backend_eu_1.wait_until_succeeds(
            "curl --silent --fail http://${common.hostOf "db-coordinator-standby"}:9187/metrics | grep '^pg_up 1'", timeout=60
        )
  '';
}
