#!/usr/bin/env bash
# A new version to all machines, so that customers do not notice: one region at a time, and in it one machine at a time. Each
# is taken out, deployed, tried, and put back; deploy-rs takes a deployment back that fails, or that it cannot reach
# afterwards. An ingress or a backend that does not come back well goes back to its former system, and serves again if it is
# well with that; if not, it stays out. Either way the rollout ends there.
#
#   schema      before any backend: what the new version adds, by its own `db migrate`. The version that serves goes on with it
#               (docs/database.md, Migrations)
#   ingresses   out of the DNS (their health check is inverted), the records' time to live is waited for, deployed, tried,
#               and back
#   backends    stopped in good order: their ingresses go to the others; deployed, and ready as an ingress sees it
#   database    all standbys, each until it is in sync again; then the primaries, workers before the coordinator, each only
#               while its standby has everything. A primary that must restart is away for seconds: its restaurants get
#               503 with Retry-After. Who is the primary now is asked, not assumed
#   others      Headscale and monitoring, which customers do not depend on, at the end
set -euo pipefail
# shellcheck source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat >&2 <<'USAGE'
rollout.sh [--dry-run] [--region REGION] [--only KIND]… [--via mesh|ssm] [--force]

--dry-run        prints the commands that change something, and runs none.
--region REGION  ingresses and backends of this region only; no database, no others.
--only KIND      ingresses, backends (and the schema before them), database or others; may be repeated.
--via WAY        how machines are reached: mesh (unless it is set), or ssm, where the mesh is what is broken.
--force          takes an ingress or a backend out of service even if no other can replace it.
USAGE
  exit 2
}

only_region=""
kinds=()
force=false
while (($# > 0)); do
  case "$1" in
    --dry-run) dry_run=true ;;
    --force) force=true ;;
    --region)
      only_region="${2-}"
      [[ -n "$only_region" ]] || usage
      shift
      ;;
    --only)
      case "${2-}" in
        ingresses | backends | database | others) kinds+=("$2") ;;
        *) usage ;;
      esac
      shift
      ;;
    --via)
      case "${2-}" in
        mesh | ssm) via="$2" ;;
        *) usage ;;
      esac
      shift
      ;;
    *) usage ;;
  esac
  shift
done
if ((${#kinds[@]} == 0)); then
  kinds=(backends ingresses)
  if [[ -z "$only_region" ]]; then
    kinds+=(database others)
  fi
fi

find_nix
if [[ -n "$only_region" ]] && ! regions | grep --quiet --fixed-strings --line-regexp -- "$only_region"; then
  die "The topology has no region '$only_region'."
fi

includes() {
  local kind
  for kind in "${kinds[@]}"; do
    [[ "$kind" != "$1" ]] || return 0
  done
  return 1
}

# ends_at NODE WHY: the end.
ends_at() {
  die "$1: $2. The rollout ends here. Fix the cause, and run it again: machines that are done already do not change."
}

# left_out NODE WHY: the same, where customers go to others meanwhile.
left_out() {
  ends_at "$1" "$2; it is left out"
}

# --- A new system, or the former one ---

# system_of NODE: what it runs.
system_of() {
  as "$(operator)" "$1" "readlink --canonicalize /run/current-system"
}

# remember NODE: the system that it runs before anything is done to it.
remember() {
  former=""
  if ! "$dry_run"; then
    former="$(system_of "$1")" || die "$1 does not answer. It was not touched."
  fi
}

# go_back NODE: to what was remembered; fails where it runs that already.
go_back() {
  local now
  now="$(system_of "$1")" && [[ "$now" != "$former" ]] || return 1
  say "$1: back to its former system"
  on "$1" "sudo nix-env --profile /nix/var/nix/profiles/system --set $former && sudo $former/bin/switch-to-configuration switch" ||
    say "$1: something did not start."
}

# renew NODE COMMAND…: deploys it, and goes back where COMMAND, which tries it, fails. Fails where it still fails then. What
# went wrong is in `undone`, which is empty otherwise.
renew() {
  local node="$1"
  shift
  undone=""
  if ! deploy_node "$node"; then
    undone="the deployment failed"
    # deploy-rs has taken it back, if it could.
    go_back "$node" || true
  elif "$@"; then
    return 0
  else
    undone="it was not well after the deployment"
    go_back "$node" || return 1
  fi
  "$@"
}

# renewed NODE: the end of a machine that came back.
renewed() {
  [[ -z "$undone" ]] || ends_at "$1" "$undone; it is back with its former system"
  say "$1: is back"
}

# --- Schema ---

# The new system of the coordinator is copied to its machine, or to its standby's where that does not answer, and not switched
# to: only its `dinehub-db` is called, with the passwords that the machine has.
roll_schema() {
  local node system options
  node="$(nodes coordinator)"
  if ! "$dry_run" && ! as "$(operator)" "$node" true 2>/dev/null; then
    node="$(standby_of "$node")"
    [[ -n "$node" ]] || die "$(nodes coordinator) does not answer, so the schema cannot be migrated."
  fi
  say "$node: schema"
  if "$dry_run"; then
    system="SYSTEM-OF-$node"
    run nix build --no-link --print-out-paths "$nix#nixosConfigurations.$node.config.system.build.toplevel"
  else
    system="$(nix build --no-link --print-out-paths "$nix#nixosConfigurations.$node.config.system.build.toplevel")" || die "$node: its system does not build. Nothing was changed."
  fi
  mapfile -t options < <(ssh_options "$node")
  DINEHUB_NODE="$node" NIX_SSHOPTS="${options[*]}" run nix copy --substitute-on-destination --no-check-sigs --to "ssh://$(operator)@$(address "$node")" "$system" ||
    die "$node: its system could not be copied there. Nothing was changed."
  on "$node" "sudo $system/sw/bin/dinehub-db migrate" || die "$node: the migration failed. No machine was changed; fix the cause, and run it again."
}

# --- Backends ---

# As customers' requests come: from an ingress, over the mesh.
ready_from_ingress() {
  as "$(operator)" "$2" "curl --fail --silent --max-time 5 --output /dev/null http://$(of_node "$1" fqdn):8080/health/ready" 2>/dev/null
}

# others_ready NODE INGRESS: another backend can take its place, of its own region first, but any will do.
others_ready() {
  local node="$1" ingress="$2" other
  while read -r other <&4; do
    if [[ "$other" != "$node" ]] && ready_from_ingress "$other" "$ingress"; then
      return 0
    fi
  done 4< <(nodes backend "$(of_node "$node" region)" && nodes backend)
  return 1
}

# backend_is_well NODE INGRESS: it runs, and is ready.
backend_is_well() {
  on "$1" "sudo systemctl start dinehub-backend" && until_true 180 "$1 is ready, seen from $2" ready_from_ingress "$1" "$2"
}

# Half well is worse than away: what is stopped gets no requests. Going back may have started it.
keep_stopped() {
  on "$1" "sudo systemctl stop dinehub-backend" || say "$1: could not be stopped."
  left_out "$1" "$2 ('sudo systemctl start dinehub-backend' there puts it back)"
}

roll_backend() {
  local node="$1" ingress
  ingress="$(nodes ingress "$(of_node "$node" region)" | head -n 1)"
  if [[ -z "$ingress" ]]; then
    ingress="$(nodes ingress | head -n 1)"
  fi
  if ! "$dry_run" && ! others_ready "$node" "$ingress"; then
    "$force" || die "$node: no other backend is ready to take its requests (seen from $ingress). --force deploys anyway."
  fi
  remember "$node"
  say "$node: drain"
  # It stops listening, and ends when its requests have.
  on "$node" "sudo systemctl stop dinehub-backend"
  renew "$node" backend_is_well "$node" "$ingress" || keep_stopped "$node" "$undone"
  renewed "$node"
}

# --- Ingresses ---

health_check_of() {
  aws route53 list-health-checks --output json |
    jq --raw-output --arg address "$1" '[.HealthChecks[] | select(.HealthCheckConfig.IPAddress == $address) | .Id] | first // empty'
}

# What the checkers of Route 53 see, whatever is inverted: most of them reach it.
is_healthy() {
  aws route53 get-health-check-status --health-check-id "$1" --output json |
    jq --exit-status '[.HealthCheckObservations[].StatusReport.Status | startswith("Success")] | length > 0 and (map(select(.)) | length) * 2 > length' >/dev/null
}

is_inverted() {
  aws route53 get-health-check --health-check-id "$1" --output json | jq --exit-status '.HealthCheck.HealthCheckConfig.Inverted == true' >/dev/null
}

# What it answers is of no interest; what it would be asked is.
invert() {
  if "$dry_run"; then
    run aws route53 update-health-check --health-check-id "$1" "$2"
  else
    aws route53 update-health-check --health-check-id "$1" "$2" >/dev/null
  fi
}

# One that is in the DNS and serves.
other_ingress_serves() {
  local node="$1" other address check
  while read -r other <&4; do
    [[ "$other" != "$node" ]] || continue
    address="$(of_infrastructure "$other" publicAddress)"
    [[ -n "$address" ]] || continue
    check="$(health_check_of "$address")"
    if [[ -n "$check" ]] && ! is_inverted "$check" && is_healthy "$check"; then
      return 0
    fi
  done 4< <(nodes ingress)
  return 1
}

serves() {
  local domain
  domain="$(of_cluster domain)"
  curl --fail --silent --max-time 10 --output /dev/null --resolve "$domain:443:$1" "https://$domain/" &&
    curl --fail --silent --max-time 10 --output /dev/null --resolve "$domain:443:$1" "https://$domain/api/v1/restaurants"
}

# ingress_is_well NODE ADDRESS CHECK: customers and Route 53 get answers.
ingress_is_well() {
  until_true 180 "$1 serves customers" serves "$2" && until_true 300 "Route 53 reaches $1" is_healthy "$3"
}

roll_ingress() {
  local node="$1" address check ttl
  ttl="$(of_cluster dnsTtlSeconds)"
  ttl="${ttl:-60}"
  address="$(of_infrastructure "$node" publicAddress)"
  if "$dry_run"; then
    check="HEALTH-CHECK-OF-$node"
  else
    [[ -n "$address" ]] || die "$node: its public address is not in $infrastructure ('bootstrap.sh terraform' writes it)."
    check="$(health_check_of "$address")"
    [[ -n "$check" ]] || die "$node: Route 53 has no health check for $address."
    if ! other_ingress_serves "$node"; then
      "$force" || die "$node: no other ingress is healthy and in the DNS to take its clients. --force deploys anyway."
    fi
  fi

  remember "$node"
  say "$node: out of the DNS"
  invert "$check" --inverted
  # Route 53 sees it within some seconds; who has the address keeps it for the time to live, and ends what is under way.
  run sleep "${DINEHUB_DRAIN_SECONDS:-$((ttl + 60))}"
  renew "$node" ingress_is_well "$node" "$address" "$check" || left_out "$node" "$undone; its health check stays inverted"
  say "$node: back into the DNS"
  invert "$check" --no-inverted
  # Before the next one goes, this one must be found again.
  run sleep "${DINEHUB_DRAIN_SECONDS:-$ttl}"
  renewed "$node"
}

# --- Database ---

status_file="$(mktemp)"
trap 'rm -f "$status_file"' EXIT

# Asked on the coordinator's machine, or on its standby's where that does not answer.
read_status() {
  local node
  for node in $(nodes coordinator) $(nodes standby); do
    if as "$(operator)" "$node" "sudo dinehub-db status --json" >"$status_file" 2>/dev/null && [[ -s "$status_file" ]]; then
      return 0
    fi
  done
  return 1
}

# Where Patroni decides, a primary that restarts may come back as the standby of the one that took over.
server_is() {
  read_status && jq --exit-status --arg name "$1" --arg state "$2" --arg failover "$(of_cluster failover)" \
    'any(.nodes[]; .node.name == $name and (.state == $state or ($failover == "vote" and .state == "Standby")))' "$status_file" >/dev/null
}

# Every acknowledged commit is on both disks; a group without a standby has but one.
group_in_sync() {
  read_status && jq --exit-status --arg group "$1" 'all(.replication[] | select(.group == $group); .inSync)' "$status_file" >/dev/null
}

database_groups() {
  nodes worker
  nodes coordinator
}

roll_server() {
  local node="$1" group="$2" state="$3"
  until_true 60 "$group is in sync" group_in_sync "$group" || ends_at "$node" "its group $group is not in sync, so it is not touched"
  deploy_node "$node" || ends_at "$node" "the deployment failed and was taken back"
  until_true 600 "$node is a ${state,,} again" server_is "$node" "$state" || ends_at "$node" "it is no ${state,,}: 'sudo dinehub-db status' tells what there is"
  until_true 600 "$group is in sync again" group_in_sync "$group" || ends_at "$node" "its group $group does not get in sync"
  say "$node: is back"
}

roll_database() {
  local group primary partner
  declare -A primaries partners
  if ! "$dry_run"; then
    { read_status && jq --exit-status '.nodes' "$status_file" >/dev/null; } || die "The state of the database is unknown: 'sudo dinehub-db status' on the coordinator's machine must work before it is touched."
  fi
  while read -r group; do
    primary="$group"
    partner="$(standby_of "$group")"
    if ! "$dry_run"; then
      primary="$(jq --raw-output --arg group "$group" '(.replication[] | select(.group == $group) | .primary) // empty' "$status_file")"
      primary="${primary:-$group}"
      if [[ "$primary" != "$group" ]]; then
        partner="$group"
      fi
    fi
    primaries[$group]="$primary"
    partners[$group]="$partner"
  done < <(database_groups)

  while read -r group <&3; do
    if [[ -n "${partners[$group]}" ]]; then
      roll_server "${partners[$group]}" "$group" Standby
    fi
  done 3< <(database_groups)
  while read -r group <&3; do
    roll_server "${primaries[$group]}" "$group" Primary
  done 3< <(database_groups)
}

roll_others() {
  local node
  while read -r node <&3; do
    deploy_node "$node" || ends_at "$node" "the deployment failed and was taken back"
  done 3< <(nodes headscale,monitoring)
}

# --- All of it ---

if includes backends; then
  say "== schema"
  roll_schema
fi

while read -r region <&5; do
  if [[ -n "$only_region" && "$region" != "$only_region" ]]; then
    continue
  fi
  say "== $region"
  if includes backends; then
    while read -r node <&3; do
      roll_backend "$node"
    done 3< <(nodes backend "$region")
  fi
  if includes ingresses; then
    while read -r node <&3; do
      roll_ingress "$node"
    done 3< <(nodes ingress "$region")
  fi
done 5< <(regions)

if includes database; then
  say "== database"
  roll_database
fi
if includes others; then
  say "== others"
  roll_others
fi
say "Done."
