# One of two backends is killed, then its whole machine is lost, while customers order: no customer sees an error, and no order
# is placed twice.
{ common, ... }:

{
  name = "dinehub-backend-loss";

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
    backend-eu-2.imports = [ common.backendMachine ];
    db-coordinator.imports = [ (common.databaseMachine "coordinator") ];
    db-worker-1.imports = [ (common.databaseMachine "worker") ];
    customer = common.customerMachine;
  };

  testScript = common.script + ''
    def lines():
        return customer.execute("cat /tmp/load 2>/dev/null")[1].splitlines()


    def wait_for_orders(count):
        customer.wait_until_succeeds(f"test \"$(wc -l < /tmp/load)\" -ge {count}", timeout=180)


    start_all()
    for server in (db_coordinator, db_worker_1):
        wait_for_database(server)
    set_up(db_coordinator)
    for backend in (backend_eu_1, backend_eu_2):
        wait_for_backend(backend)
    ingress_eu_1.wait_for_unit("nginx.service")
    ingress_eu_1.wait_for_open_port(443)
    restaurant = restaurant_of(customer, public)
    customer.succeed("touch /tmp/load")
    customer.succeed(f"systemd-run --unit=load --setenv=PATH=$PATH customer load {public} {restaurant} 60 /tmp/load")
    wait_for_orders(10)

    with subtest("a backend is killed, and starts again by itself"):
        pid = backend_eu_1.succeed("systemctl show --property=MainPID --value dinehub-backend.service").strip()
        backend_eu_1.succeed(f"kill -KILL {pid}")
        wait_for_orders(20)
        wait_for_backend(backend_eu_1)

    with subtest("its machine is lost"):
        backend_eu_1.crash()
        wait_for_orders(40)

    with subtest("it comes back, and the other may be deployed: SIGTERM lets what is under way end"):
        backend_eu_1.start()
        wait_for_backend(backend_eu_1)
        backend_eu_2.succeed("systemctl restart dinehub-backend.service")
        wait_for_backend(backend_eu_2)

    with subtest("no customer saw an error, and each order is there once"):
        wait_for_orders(60)
        seen = [line.split() for line in lines()]
        failed = [line for line in seen if line[1] != "201"]
        assert not failed, failed
        assert len({line[2] for line in seen}) == 60
        for _, _, number, token in seen:
            assert read(customer, public, restaurant, {"id": number, "trackingToken": token}) == 200
        count = int(
            db_coordinator.succeed(
                "PGPASSWORD=${common.secrets.superuser} psql --no-psqlrc -tA -h ${common.hostOf "db-coordinator"} -U postgres -d dinehub "
                "-c \"SELECT count(*) FROM orders WHERE idempotency_key LIKE 'load-%'\""
            )
        )
        assert count == 60, count
  '';
}
