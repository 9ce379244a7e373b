# A customer orders: ingress → backend → Citus, each on a machine of its own.
{ common, ... }:

{
  name = "dinehub-end-to-end";

  defaults = common.base {
    durability = "local";
    workers = [ (common.node "db-worker-1" "eu-west-1") ];
    standbys = [ ];
  };

  nodes = {
    ingress-eu-1 = {
      imports = [ common.ingressMachine ];
      virtualisation.vlans = [
        1
        2
      ];
    };
    backend-eu-1.imports = [ common.backendMachine ];
    db-coordinator.imports = [ (common.databaseMachine "coordinator") ];
    db-worker-1.imports = [ (common.databaseMachine "worker") ];
    customer = common.customerMachine;
  };

  testScript = common.script + ''
    start_all()

    with subtest("the database is set up from nothing"):
        for server in (db_coordinator, db_worker_1):
            wait_for_database(server)
        set_up(db_coordinator)
        engine = json.loads(db_coordinator.succeed("dinehub-db status --json"))["engine"]
        assert engine == "Citus", engine

    with subtest("nginx and the backend start by themselves"):
        wait_for_backend(backend_eu_1)
        ingress_eu_1.wait_for_unit("nginx.service")
        ingress_eu_1.wait_for_open_port(443)

    with subtest("HTTP is redirected to HTTPS"):
        answer = customer.succeed("curl --silent --head http://${common.domain}/assets/app.css")
        assert " 308" in answer.splitlines()[0], answer
        assert "https://${common.domain}/assets/app.css" in answer, answer

    with subtest("an order is placed once, however often it is sent"):
        restaurant = restaurant_of(customer, public)
        first = placed(customer, public, restaurant, "the-first")
        assert first["total"] == 1500, first
        again = order(customer, public, restaurant, "the-first")
        assert again[0] == 201 and again[1]["id"] == first["id"], again
        assert read(customer, public, restaurant, first) == 200

    with subtest("its row is on the worker, and nothing of it on the coordinator"):
        db_worker_1.succeed("systemctl stop postgresql.service")
        status, answer = order(customer, public, restaurant, "without-the-worker")
        assert status == 503, f"{status}: {answer}"
        customer.succeed(f"curl --silent --fail --cacert ${common.certificate}/fullchain.pem '{public}/api/v1/restaurants'")
        db_worker_1.succeed("systemctl start postgresql.service")
        customer.wait_until_succeeds(f"customer order {public} {restaurant} without-the-worker | grep --quiet '^201'", timeout=120)

    with subtest("a backend that hangs is started again"):
        before = backend_eu_1.succeed("systemctl show --property=MainPID --value dinehub-backend.service").strip()
        backend_eu_1.succeed(f"kill -STOP {before}")
        backend_eu_1.wait_until_succeeds(
            f"test \"$(systemctl show --property=MainPID --value dinehub-backend.service)\" != {before}", timeout=120
        )
        wait_for_backend(backend_eu_1)
        assert read(customer, public, restaurant, first) == 200

    with subtest("maintenance is a word, and not an outage"):
        ingress_eu_1.succeed("dinehub-maintenance on")
        status, _ = order(customer, public, restaurant, "in-maintenance")
        assert status == 503, status
        ingress_eu_1.succeed("dinehub-maintenance off")
        placed(customer, public, restaurant, "in-maintenance")

    with subtest("what is hardened is hardened"):
        exposure = backend_eu_1.succeed("systemd-analyze security --threshold=30 dinehub-backend.service 2>&1")
        print(exposure.splitlines()[-1])
  '';
}
