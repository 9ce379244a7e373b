# The whole cluster is taken back to a restore point, from encrypted backups and archived WAL: what was ordered before it is
# there, what was ordered after it is not. The repository is a folder, each machine's own, in place of a bucket.
{ pkgs, common, ... }:

let
  backedUp = {
    dinehub.backup = {
      enable = true;
      repository.directory = "/var/lib/dinehub-test-repository";
    };
    # The test says when.
    systemd.timers.dinehub-backup-first.wantedBy = pkgs.lib.mkForce [ ];
  };
in
{
  name = "dinehub-backup-restore";

  defaults = common.base {
    durability = "local";
    workers = [ (common.node "db-worker-1" "eu-west-1") ];
    standbys = [ ];
  };

  nodes = {
    backend-eu-1.imports = [ common.backendMachine ];
    db-coordinator.imports = [
      (common.databaseMachine "coordinator")
      backedUp
    ];
    db-worker-1.imports = [
      (common.databaseMachine "worker")
      backedUp
    ];
  };

  testScript = common.script + ''
    servers = (db_worker_1, db_coordinator)

    start_all()

    with subtest("a backup that cannot be made is told"):
        for server in servers:
            wait_for_database(server)
        db_coordinator.succeed("systemctl stop postgresql.service")
        db_coordinator.fail("systemctl start dinehub-backup-full.service")
        db_coordinator.succeed("systemctl start postgresql.service")
        db_coordinator.succeed("grep --line-regexp 'dinehub_backup_last_attempt_success{group=\"db-coordinator\"} 0' /var/lib/dinehub-metrics/dinehub-backup.prom")
        db_coordinator.fail("grep '^dinehub_backup_last_success_timestamp_seconds' /var/lib/dinehub-metrics/dinehub-backup.prom")

    set_up(db_coordinator)
    wait_for_backend(backend_eu_1)
    restaurant = restaurant_of(backend_eu_1, own)
    before_backup = placed(backend_eu_1, own, restaurant, "before-the-backup")

    with subtest("backups are made, and Prometheus is told"):
        for server in servers:
            # The coordinator's last: its restore point waits until every node has archived it.
            server.succeed("systemctl start dinehub-backup-full.service")
            server.wait_for_unit("prometheus-node-exporter.service")
            metrics = server.succeed("curl --silent --fail http://127.0.0.1:9100/metrics | grep '^dinehub_backup'")
            assert "dinehub_backup_last_attempt_success{" in metrics and "} 1\n" in metrics, metrics
            assert "dinehub_backup_last_success_timestamp_seconds{" in metrics, metrics
        print(db_coordinator.succeed("dinehub-db backups --verify"))

    with subtest("the repository is encrypted"):
        for server in servers:
            # What openssl puts before what it has encrypted with a passphrase.
            beginning = server.succeed("head --bytes=8 $(find /var/lib/dinehub-test-repository -name backup.info | head -n 1)")
            assert beginning == "Salted__", beginning

    with subtest("a restore point is made"):
        before_point = placed(backend_eu_1, own, restaurant, "before-the-point")
        db_coordinator.succeed("systemctl start dinehub-restore-point.service")
        point = db_coordinator.succeed("dinehub-db restore-point before | sed --quiet 's/^restore point //p'").strip()
        assert point.startswith("before-"), point
        after_point = placed(backend_eu_1, own, restaurant, "after-the-point")
        for server in servers:
            server.succeed("systemctl start dinehub-backup-differential.service")

    with subtest("disaster: the data of both servers is gone, and comes back"):
        backend_eu_1.succeed("systemctl stop dinehub-backend.service")
        db_worker_1.succeed("systemctl stop postgresql.service")
        db_coordinator.succeed("systemctl stop postgresql.service")
        for server in servers:
            server.succeed("rm -rf /var/lib/dinehub-postgres/data")
            server.succeed(f"dinehub-restore --to {point} >&2")
            server.succeed("systemctl start postgresql.target")
            wait_for_database(server)
        db_coordinator.wait_until_succeeds("dinehub-db migrate >&2", timeout=180)
        backend_eu_1.succeed("systemctl start dinehub-backend.service")
        wait_for_backend(backend_eu_1)

    with subtest("what was before the point is there, what was after it is not"):
        assert read(backend_eu_1, own, restaurant, before_backup) == 200
        assert read(backend_eu_1, own, restaurant, before_point) == 200
        assert read(backend_eu_1, own, restaurant, after_point) == 404
        placed(backend_eu_1, own, restaurant, "after-the-restore")

    with subtest("the restored cluster is backed up again"):
        for server in servers:
            server.succeed("systemctl start dinehub-backup-full.service")
        print(db_coordinator.succeed("dinehub-db backups --verify"))
  '';
}
