# What must not be reached is not: by a customer, by a machine that has the mesh's network but no password, by a role that has
# a password but no right. Each machine hangs on two networks, the mesh's (eth1) and one that anybody may be on (eth2), and has
# the firewall that is generated for its role beside that of the modules.
{ pkgs, common, ... }:

let
  both = role: {
    virtualisation.vlans = [
      1
      2
    ];
    dinehub.firewall.table = common.firewallOf role;
    networking.nftables.enable = true;
    environment.systemPackages = [
      pkgs.netcat
      pkgs.curl
    ];
  };
in
{
  name = "dinehub-denied-paths";

  defaults = common.base {
    durability = "local";
    workers = [ (common.node "db-worker-1" "eu-west-1") ];
    standbys = [ ];
  };

  nodes = {
    ingress-eu-1.imports = [
      common.ingressMachine
      (both "ingress")
    ];
    backend-eu-1.imports = [
      common.backendMachine
      (both "backend")
    ];
    db-coordinator.imports = [
      (common.databaseMachine "coordinator")
      (both "coordinator")
    ];
    db-worker-1.imports = [
      (common.databaseMachine "worker")
      (both "worker")
    ];
    customer = common.customerMachine;
  };

  testScript =
    { nodes, ... }:
    common.script
    + ''
      outside = {
          "ingress": "${common.publicAddress nodes.ingress-eu-1}",
          "backend": "${common.publicAddress nodes.backend-eu-1}",
          "coordinator": "${common.publicAddress nodes.db-coordinator}",
          "worker": "${common.publicAddress nodes.db-worker-1}",
      }


      def opens(machine, host, port):
          return machine.execute(f"nc -z -w 3 {host} {port}")[0] == 0


      def sql(user, password, statement, host="${common.hostOf "db-coordinator"}", database="dinehub"):
          return backend_eu_1.execute(
              f"PGPASSWORD={password} psql --no-psqlrc --set=ON_ERROR_STOP=1 -h {host} -U {user} -d {database} -c \"{statement}\" 2>&1"
          )


      start_all()
      for server in (db_coordinator, db_worker_1):
          wait_for_database(server)
      set_up(db_coordinator)
      wait_for_backend(backend_eu_1)
      ingress_eu_1.wait_for_unit("nginx.service")
      ingress_eu_1.wait_for_open_port(443)
      for machine in (ingress_eu_1, backend_eu_1, db_coordinator, db_worker_1):
          machine.wait_for_unit("prometheus-node-exporter.service")

      with subtest("customers reach the ingress, and through it the API"):
          assert opens(customer, outside["ingress"], 80) and opens(customer, outside["ingress"], 443)
          restaurant = restaurant_of(customer, public)
          placed(customer, public, restaurant, "allowed")

      with subtest("customers reach nothing else, on no machine"):
          for name, ports in {
              "ingress": [22, 8080, 9100, 9113, 9114],
              "backend": [22, 80, 443, 8080, 9100],
              "coordinator": [22, 5432, 8008, 9100, 9187, 9188],
              "worker": [22, 5432, 8008, 9100, 9187, 9188],
          }.items():
              for port in ports:
                  assert not opens(customer, outside[name], port), f"{name}:{port} is open to a customer"

      with subtest("what is for the mesh only is no address of the ingress"):
          for path in ("/metrics", "/health/live", "/health/ready", "/nginx_status", "/api/../metrics"):
              status = customer.succeed(
                  f"curl --silent --path-as-is --output /dev/null --write-out '%{{http_code}}' --cacert ${common.certificate}/fullchain.pem {public}{path}"
              )
              assert status in ("400", "404"), f"{path}: {status}"

      with subtest("the mesh reaches what it must, and no more"):
          assert opens(ingress_eu_1, "${common.hostOf "backend-eu-1"}", 8080)
          assert opens(backend_eu_1, "${common.hostOf "db-coordinator"}", 5432)
          assert opens(db_coordinator, "${common.hostOf "db-worker-1"}", 5432)
          # No process listens there, or the role's firewall does not open the port.
          for host, port in (("backend-eu-1", 80), ("backend-eu-1", 5432), ("db-coordinator", 8080), ("ingress-eu-1", 9114)):
              assert not opens(db_worker_1, f"{host}.mesh.dinehub.example", port), f"{host}:{port}"

      with subtest("the database listens on the mesh alone"):
          listening = db_coordinator.succeed("ss --no-header --tcp --listening --numeric 'sport = :5432'")
          assert "0.0.0.0:5432" not in listening and "[::]:5432" not in listening, listening

      with subtest("no role signs in without its password, or to another database"):
          assert sql("dinehub_api", "${common.secrets.api}", "SELECT 1")[0] == 0
          for user, password, database in (
              ("dinehub_api", "wrong", "dinehub"),
              ("postgres", "wrong", "postgres"),
              ("dinehub_api", "${common.secrets.api}", "postgres"),
              ("dinehub_monitor", "${common.secrets.monitor}", "template1"),
              ("dinehub_owner", "", "dinehub"),
          ):
              status, output = sql(user, password, "SELECT 1", database=database)
              assert status != 0, f"{user} got into {database}: {output}"

      with subtest("the API's role may do what requests need, and no more"):
          for statement in (
              "DELETE FROM orders",
              "DROP TABLE orders",
              "CREATE TABLE mine (id int)",
              "DELETE FROM deployment",
              "COPY (SELECT 1) TO PROGRAM 'id'",
              "SELECT pg_read_file('/etc/passwd')",
              "ALTER SYSTEM SET archive_mode = 'off'",
          ):
              status, output = sql("dinehub_api", "${common.secrets.api}", statement)
              assert status != 0, f"{statement}: {output}"
          status, output = sql("dinehub_monitor", "${common.secrets.monitor}", "SELECT * FROM orders")
          assert status != 0, output

      with subtest("secrets are readable by their service only"):
          backend_eu_1.fail("setpriv --reuid=nobody --clear-groups cat /run/credentials/dinehub-backend.service/ConnectionStrings__dinehub")
          backend_eu_1.fail("tr '\\0' '\\n' < /proc/$(systemctl show --property=MainPID --value dinehub-backend.service)/environ | grep --fixed-strings '${common.secrets.api}'")
          db_coordinator.fail("setpriv --reuid=nobody --clear-groups ls /var/lib/dinehub-postgres")
    '';
}
