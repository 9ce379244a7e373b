# What the tests share: machines by role, secrets that are none, and what a customer does.
{
  pkgs,
  modules,
  backend,
}:

let
  inherit (pkgs) lib;

  domain = "dinehub.example";
  meshDomain = "mesh.dinehub.example";
  meshInterface = "eth1";
  hostOf = name: "${name}.${meshDomain}";

  # Secrets of a test. In /etc, as the modules refuse files of the store.
  secrets = {
    superuser = "superuser-of-the-test";
    replication = "replication-of-the-test";
    api = "api-of-the-test";
    migrator = "migrator-of-the-test";
    monitor = "monitor-of-the-test";
    backup = "backup-passphrase-of-the-test";
    operator-key = "operator-key-of-the-test-0123456789abcdef";
    # 32 bytes in Base64.
    data-protection-key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
  };
  secretFile = name: "/etc/dinehub-test/${name}";

  # For the public name, as the certificate authority's would be.
  certificate = pkgs.runCommand "dinehub-test-certificate" { nativeBuildInputs = [ pkgs.openssl ]; } ''
    mkdir $out
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=${domain}" \
      -addext "subjectAltName=DNS:${domain},DNS:control.${domain}" \
      -keyout $out/key.pem -out $out/fullchain.pem
  '';

  # The generated table of a role, which names the mesh's interface. As text: a file that is built is none that can be read
  # while the test is evaluated.
  firewallOf =
    role:
    lib.replaceStrings [ "tailscale0" ] [ meshInterface ] (
      builtins.readFile (../generated/firewall + "/${role}.nft")
    );

  node = name: region: {
    inherit name region;
    host = hostOf name;
  };

  # On every machine of a test. `database`: what the test's cluster has, beside what all have.
  base =
    database:
    { nodes, ... }:
    {
      imports = lib.toList modules;

      dinehub = {
        cluster = {
          name = "dinehub";
          inherit domain;
          controlDomain = "control.${domain}";
          mesh = {
            domain = meshDomain;
            addressRange = "192.168.1.0/24";
          };
          controlLink = {
            range = "10.254.0.0/22";
            headscaleAddress = "10.254.0.1";
            headscaleEndpoint = "10.10.96.10:41641";
            ingresses = { };
          };
          operators = { };
          acme = {
            email = "operators@${domain}";
            acceptTerms = true;
          };
          database = {
            standbyTimeoutSeconds = 15;
            shards = 8;
            failover = "manual";
            coordinator = node "db-coordinator" "eu-west-1";
            voters = [ ];
          }
          // database;
          buckets = {
            backups = {
              name = "dinehub-test-backups";
              region = "eu-west-1";
            };
            images = {
              name = "dinehub-test-images";
              region = "eu-west-1";
            };
          };
        };
        host = {
          region = lib.mkDefault "eu-west-1";
          memoryMiB = lib.mkDefault 1024;
        };
        nodeExporter.meshInterface = meshInterface;
      };

      # MagicDNS: every machine knows the others by their names of the mesh.
      networking.hosts = lib.mapAttrs' (
        name: machine: lib.nameValuePair machine.networking.primaryIPAddress [ (hostOf name) ]
      ) nodes;

      environment.etc = lib.mapAttrs' (
        name: value: lib.nameValuePair "dinehub-test/${name}" { text = value; }
      ) secrets;

      virtualisation = {
        memorySize = lib.mkDefault 1024;
        cores = lib.mkDefault 2;
      };
    };

  databaseMachine = role: {
    dinehub = {
      host.memoryMiB = 1280;
      nodeExporter.enable = true;
      postgres = {
        enable = true;
        inherit backend role meshInterface;
        # Four servers share a laptop.
        maxConnections = 60;
        secrets = {
          superuserPasswordFile = secretFile "superuser";
          replicationPasswordFile = secretFile "replication";
          apiPasswordFile = secretFile "api";
          migratorPasswordFile = secretFile "migrator";
          monitorPasswordFile = secretFile "monitor";
          backupPassphraseFile = secretFile "backup";
        };
      };
    };
    environment.systemPackages = [ pkgs.jq ];
    virtualisation.memorySize = 1280;
    virtualisation.diskSize = 4096;
  };

  backendMachine =
    { config, ... }:
    let
      database = config.dinehub.cluster.database;
      coordinators = [
        database.coordinator
      ]
      ++ lib.filter (standby: standby.follows == database.coordinator.name) database.standbys;
    in
    {
      dinehub.nodeExporter.enable = true;
      dinehub.backend = {
        enable = true;
        package = backend;
        inherit meshInterface;
        secrets = {
          connectionStringFile = secretFile "connection-string";
          operatorKeyFile = secretFile "operator-key";
          dataProtectionKeyFile = secretFile "data-protection-key";
        };
      };
      environment.etc."dinehub-test/connection-string".text =
        "Host=${lib.concatMapStringsSep "," (server: server.host) coordinators};Port=5432;"
        + "Database=dinehub;Username=dinehub_api;Password=${secrets.api};Maximum Pool Size=10";
      environment.systemPackages = [
        customer
        pkgs.jq
        pkgs.postgresql_17
      ];
    };

  ingressMachine = {
    dinehub.nodeExporter.enable = true;
    dinehub.ingress = {
      enable = true;
      configurationFile = ../generated/nginx/eu-west-1.conf;
      inherit meshInterface;
      # No authority is reached: the certificate is there already.
      acme.challenge = "http";
    };
    services.nginx.virtualHosts.${domain}.enableACME = lib.mkForce false;
    systemd.tmpfiles.settings."10-dinehub-test" = {
      "/var/lib/acme/${domain}".d.mode = "0755";
      "/var/lib/acme/${domain}/fullchain.pem"."L+".argument = "${certificate}/fullchain.pem";
      "/var/lib/acme/${domain}/key.pem"."L+".argument = "${certificate}/key.pem";
    };

    # The resolver that nginx' configuration names is the mesh's, on the machine itself.
    networking.interfaces.lo.ipv4.addresses = [
      {
        address = "100.100.100.100";
        prefixLength = 32;
      }
    ];
    services.dnsmasq = {
      enable = true;
      resolveLocalQueries = false;
      settings = {
        listen-address = "100.100.100.100";
        bind-dynamic = true;
        no-resolv = true;
        local = "/${meshDomain}/";
      };
    };
  };

  # A customer's machine knows the public name alone.
  customerMachine =
    { nodes, ... }:
    {
      networking.hosts.${publicAddress nodes.ingress-eu-1} = [ domain ];
      environment.systemPackages = [
        customer
        pkgs.curl
        pkgs.jq
        pkgs.netcat
      ];
      virtualisation.vlans = [ 2 ];
    };

  publicAddress = machine: (lib.head machine.networking.interfaces.eth2.ipv4.addresses).address;

  # customer restaurant BASE                      prints the id of a restaurant that is always open
  # customer order BASE RESTAURANT KEY            orders; prints the status, then the answer
  # customer read BASE RESTAURANT ORDER TOKEN     prints the status with which the order is read
  # customer load BASE RESTAURANT COUNT FILE      orders COUNT times, a little slower than the limit of rates
  customer = pkgs.writeShellApplication {
    name = "customer";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.curl
      pkgs.jq
    ];
    text = ''
      ask() {
        curl --silent --show-error --max-time 20 --cacert ${certificate}/fullchain.pem "$@"
      }

      order() {
        ask --output "$4" --write-out '%{http_code}\n' \
          --header 'Content-Type: application/json' --header "Idempotency-Key: $3" \
          --data '{"fulfilment":{"type":"Table","table":"7"},"lines":[{"itemId":"scotch-egg","quantity":2}]}' \
          "$1/api/v1/restaurants/$2/orders"
      }

      verb="$1"
      shift
      case "$verb" in
        restaurant)
          ask --fail "$1/api/v1/restaurants?limit=100" | jq --exit-status --raw-output '.items[] | select(.slug == "the-copper-kettle") | .id'
          ;;
        order)
          answer="$(mktemp)"
          order "$1" "$2" "$3" "$answer"
          cat "$answer"
          ;;
        read)
          ask --output /dev/null --write-out '%{http_code}\n' --header "Tracking-Token: $4" "$1/api/v1/restaurants/$2/orders/$3"
          ;;
        load)
          answer="$(mktemp)"
          for ((number = 1; number <= $3; number++)); do
            status="$(order "$1" "$2" "load-$number" "$answer" || true)"
            echo "$number $status $(jq --raw-output '"\(.id) \(.trackingToken)"' "$answer" || true)" >> "$4"
            sleep 1.1
          done
          ;;
        *)
          echo "no such verb: $verb" >&2
          exit 2
          ;;
      esac
    '';
  };

  # Functions of test scripts.
  script = ''
    import json

    public = "https://${domain}"
    own = "http://127.0.0.1:8080"


    def wait_for_database(machine):
        machine.wait_until_succeeds("systemctl is-active postgresql.service", timeout=600)


    def set_up(coordinator):
        # Until every server answers: those that are copied do so later.
        coordinator.wait_until_succeeds("dinehub-db migrate >&2", timeout=600)
        coordinator.succeed("dinehub-db seed >&2")


    def wait_for_backend(machine):
        machine.wait_for_unit("dinehub-backend.service")
        machine.wait_until_succeeds("curl --silent --fail http://127.0.0.1:8080/health/ready", timeout=180)


    def restaurant_of(machine, base):
        return machine.wait_until_succeeds(f"customer restaurant {base}", timeout=120).strip()


    def order(machine, base, restaurant, key):
        status, _, body = machine.succeed(f"customer order {base} {restaurant} {key}").partition("\n")
        return int(status), json.loads(body) if body.strip() else {}


    def placed(machine, base, restaurant, key):
        status, answer = order(machine, base, restaurant, key)
        assert status == 201, f"the order {key} was answered with {status}: {answer}"
        return answer


    def read(machine, base, restaurant, one):
        return int(machine.succeed(f"customer read {base} {restaurant} {one['id']} {one['trackingToken']}"))
  '';
in
{
  inherit
    base
    backendMachine
    certificate
    customerMachine
    databaseMachine
    domain
    firewallOf
    hostOf
    ingressMachine
    meshInterface
    node
    publicAddress
    script
    secretFile
    secrets
    ;
}
