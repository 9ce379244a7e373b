#!/usr/bin/env bash
# From nothing to a cluster, in steps that can each be repeated: what is done already is found done, or done again to the
# same end. In this order, or all at once:
#
#   terraform   networks, machines, buckets, DNS; writes nix/infrastructure.json
#   headscale   the mesh's control server, and its users
#   ingress     the ingresses, which relay to it; each enrols itself
#   enrol       all other machines: first system, key of their own, then the mesh
#   database    the database servers, until they are in sync, and the schema
#   backends    the backends, until they are ready
#   dns-check   whether customers get there
#
# Everything goes by AWS Systems Manager (ssm-proxy.sh), so that it needs no mesh. Before: `publish` and `secrets init`, the
# files under nix/ tracked by git, credentials for AWS, and an age key of an operator's.
set -euo pipefail
# shellcheck source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

steps=(terraform headscale ingress enrol database backends dns-check)

usage() {
  cat >&2 <<'USAGE'
bootstrap.sh [--dry-run] [--node NODE]… STEP…

STEP: terraform headscale ingress enrol database backends dns-check, or all.
--dry-run      prints the commands that change something, and runs none.
--node NODE    only this one, of those that the step is about; may be repeated. For a machine that was replaced.

Environment, beside that of common.sh:
DINEHUB_AGE_IDENTITY   the operator's age key: ~/.config/sops/age/keys.txt, unless it is set
DINEHUB_TERRAFORM      terraform or tofu, whichever is there, unless it is set
USAGE
  exit 2
}

only=()
wanted=()
while (($# > 0)); do
  case "$1" in
    --dry-run) dry_run=true ;;
    --node)
      [[ -n "${2-}" ]] || usage
      only+=("$2")
      shift
      ;;
    all) wanted+=("${steps[@]}") ;;
    terraform | headscale | ingress | enrol | database | backends | dns-check) wanted+=("$1") ;;
    *) usage ;;
  esac
  shift
done
((${#wanted[@]} > 0)) || usage

find_nix
via=ssm
for node in "${only[@]}"; do
  of_node "$node" role >/dev/null
done

# chosen ROLES: the nodes of these roles that --node does not leave out.
chosen() {
  local name wish
  while read -r name; do
    if ((${#only[@]} == 0)); then
      printf '%s\n' "$name"
      continue
    fi
    for wish in "${only[@]}"; do
      if [[ "$wish" == "$name" ]]; then
        printf '%s\n' "$name"
      fi
    done
  done < <(nodes "$1")
}

headscale_host() {
  nodes headscale
}

# --- One machine ---

answers_as() {
  as "$1" "$2" true 2>/dev/null
}

# Whether it runs its own system: then the operator may sign in, and root may not.
is_installed() {
  answers_as "$(operator)" "$1"
}

is_reachable() {
  is_installed "$1" || answers_as root "$1"
}

# Puts the machine's private age key on it. It comes out of `age` and goes into ssh: on no disk here.
install_key() {
  local node="$1" user="$2" file="$nix/secrets/keys/$1.age"
  local place='umask 077; mkdir -p /var/lib/sops-nix; cat > /var/lib/sops-nix/key.txt.new; test -s /var/lib/sops-nix/key.txt.new; mv /var/lib/sops-nix/key.txt.new /var/lib/sops-nix/key.txt'
  local remote="sudo sh -ec '$place'"
  if [[ "$user" == root ]]; then
    remote="sh -ec '$place'"
  fi
  [[ -f "$file" ]] || die "There is no $file: run 'dotnet run --project DineHub.AppHost -- secrets init' first."
  say "$node: its key"
  if "$dry_run"; then
    printf 'age --decrypt --identity %q %q | ssh %s %q\n' "$identity" "$file" "$user@$node" "$remote"
  else
    age --decrypt --identity "$identity" "$file" | as "$user" "$node" "$remote"
  fi
}

# install_node NODE: its key and its system.
install_node() {
  local node="$1" options
  until_true 600 "$node answers by AWS Systems Manager" is_reachable "$node" ||
    die "$node: no sign-in by SSH as $(operator) or root succeeded within 10 minutes. A machine that was replaced has another host key: 'ssh-keygen -R $(of_node "$node" fqdn)'. Otherwise try 'DINEHUB_NODE=$node ssh -oProxyCommand=$(ssm_proxy) root@$node'."
  if ! "$dry_run" && is_installed "$node"; then
    install_key "$node" "$(operator)"
    deploy_node "$node"
    return
  fi
  install_key "$node" root
  # Once, as root, by the key that AWS put there; and by a boot, not by a switch: a database server starts when it has
  # found its partners on the mesh, which this machine is not on yet, and a switch would wait for that.
  mapfile -t options < <(ssh_options "$node")
  say "$node: first system"
  DINEHUB_NODE="$node" run deploy --skip-checks --boot --hostname "$node" --ssh-user root --ssh-opts "${options[*]}" "$nix#$node"
  if "$dry_run"; then
    printf 'ssh %s reboot\n' "root@$node"
  else
    # The answer is that the connection ends.
    as root "$node" "systemctl reboot" || true
  fi
  # The new system lets root in no longer.
  until_true 600 "$node lets $(operator) in" is_installed "$node" || die "$node: its system does not let its operators in. See the serial console, or use 'aws ssm start-session'."
}

mesh_state() {
  as "$(operator)" "$1" "sudo tailscale status --json --peers=false" 2>/dev/null | jq --raw-output '.BackendState' 2>/dev/null || true
}

is_on_mesh() {
  [[ "$(mesh_state "$1")" == Running ]]
}

# Not while it starts: then it cannot tell yet. What it tells is in $state.
knows_its_mesh() {
  state="$(mesh_state "$1")"
  case "$state" in
    "" | NoState | Starting) return 1 ;;
  esac
}

# forget_former NODE: Headscale's entry with the name of a machine that is new to the mesh is a former machine's. While it exists,
# the new one gets a suffixed name, which no machine looks up. Headscale 0.30 spells `given_name` otherwise.
forget_former() {
  local node="$1" known id
  known="$(as "$(operator)" "$(headscale_host)" "sudo headscale nodes list --output json")" || die "$node: 'headscale nodes list' failed."
  while read -r id <&4; do
    say "$node: Headscale forgets the former one, $id"
    on "$(headscale_host)" "sudo headscale nodes delete --identifier $id --force" >&2
  done 4< <(jq --raw-output --arg name "$node" '(. // [])[] | select(.name == $name or (.given_name // .givenName) == $name) | .id' <<<"$known")
}

# A key that is good once, for an hour, and for this role's tag alone: made on Headscale's host, handed over, and gone.
enrol_node() {
  local node="$1" tag key state=""
  # shellcheck disable=SC2016 # For the other side's shell to expand.
  local place='umask 077; mkdir -p /var/lib/dinehub-mesh; cat > /var/lib/dinehub-mesh/auth-key; status=0; systemctl restart tailscaled-autoconnect || status=$?; rm -f /var/lib/dinehub-mesh/auth-key; exit $status'
  tag="tag:$(of_node "$node" role)"
  if "$dry_run"; then
    say "$node: enrols as $tag"
    on "$(headscale_host)" "sudo headscale preauthkeys create --tags $tag --expiration 1h --output json"
    on "$node" "sudo sh -c '$place'"
    return
  fi
  until_true 120 "$node reports its mesh state" knows_its_mesh "$node" || die "$node: tailscaled does not report its state. See 'journalctl -u tailscaled' on it."
  if [[ "$state" == Running ]]; then
    say "$node: is on the mesh"
    return
  fi
  say "$node: enrols as $tag"
  if [[ "$state" == NeedsLogin ]]; then
    forget_former "$node"
  fi
  key="$(as "$(operator)" "$(headscale_host)" "sudo headscale preauthkeys create --tags $tag --expiration 1h --output json" | jq --raw-output '.key // empty')"
  [[ -n "$key" ]] || die "$node: Headscale gave no key."
  printf '%s' "$key" | as "$(operator)" "$node" "sudo sh -c '$place'" || die "$node: did not enrol. See 'journalctl -u tailscaled-autoconnect' on it."
  until_true 120 "$node is on the mesh" is_on_mesh "$node" || die "$node: is not on the mesh."
}

# --- The steps ---

step_terraform() {
  local folder="$nix/generated/terraform" terraform="${DINEHUB_TERRAFORM-}" missing
  if [[ -z "$terraform" ]]; then
    terraform="$(command -v terraform || command -v tofu)" || die "Neither terraform nor tofu is on PATH."
  fi
  run "$terraform" -chdir="$folder" init -input=false
  # Asks before it changes anything.
  run "$terraform" -chdir="$folder" apply
  if "$dry_run"; then
    printf '%s -chdir=%q output -json hosts > %q\n' "$terraform" "$folder" "$infrastructure"
    return
  fi
  "$terraform" -chdir="$folder" output -json hosts >"$infrastructure.new"
  missing="$(jq --raw-output --slurpfile hosts "$infrastructure.new" '[.nodes[].name | select($hosts[0][.].instanceId | not)] | join(" ")' "$topology")" ||
    die "$infrastructure.new: the output of Terraform is not as expected."
  [[ -z "$missing" ]] || die "Terraform has no machine for: $missing. Its output is in $infrastructure.new."
  mv "$infrastructure.new" "$infrastructure"
  read_infrastructure
  say "$infrastructure: written. 'git add' it: a flake sees only tracked files."
  if git -C "$nix" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git -C "$nix" add --intent-to-add infrastructure.json
  fi
}

headscale_answers() {
  as "$(operator)" "$(headscale_host)" "sudo headscale users list --output json" >/dev/null 2>&1
}

step_headscale() {
  local host user users
  host="$(headscale_host)"
  install_node "$host"
  until_true 180 "Headscale answers" headscale_answers || die "$host: Headscale does not answer. See 'journalctl -u headscale' on it."
  if "$dry_run"; then
    users='[]'
  else
    users="$(as "$(operator)" "$host" "sudo headscale users list --output json")"
  fi
  while read -r user <&3; do
    if jq --exit-status --arg user "$user" '(. // [])[] | select(.name == $user)' <<<"$users" >/dev/null; then
      say "$user: is a user of the mesh"
    else
      on "$host" "sudo headscale users create $user"
    fi
  done 3< <(jq --raw-output '.operators[]' "$topology")
}

# Through this very ingress, whatever the DNS says.
relays_control() {
  local domain address
  domain="$(of_cluster controlDomain)"
  address="$(of_infrastructure "$1" publicAddress)"
  curl --fail --silent --show-error --max-time 10 --output /dev/null \
    ${address:+--resolve "$domain:443:$address"} "https://$domain/health"
}

step_ingress() {
  local node
  while read -r node <&3; do
    install_node "$node"
    # Its certificate comes by DNS, which takes its minutes.
    until_true 600 "$node relays to the control server" relays_control "$node" || die "$node: does not relay to the control server. See 'journalctl -u nginx -u wg-quick-control' and the acme units on it."
    enrol_node "$node"
  done 3< <(chosen ingress)
}

step_enrol() {
  local node
  while read -r node <&3; do
    install_node "$node"
    enrol_node "$node"
  done 3< <(chosen coordinator,worker,standby,backend,monitoring)
  say "Operators: tailscale up --login-server=https://$(of_cluster controlDomain), and 'headscale auth register' (or 'nodes register') on $(headscale_host) as it says."
}

database_status() {
  as "$(operator)" "$(nodes coordinator)" "sudo dinehub-db status --json"
}

# Every server answers, every group that has a standby has it in sync.
database_is_whole() {
  database_status 2>/dev/null | jq --exit-status \
    'all(.nodes[]; .state == "Primary" or .state == "Standby") and all(.replication[]; .inSync)' >/dev/null
}

server_answers() {
  as "$(operator)" "$1" "sudo systemctl is-active --quiet postgresql || sudo systemctl is-active --quiet patroni" 2>/dev/null
}

step_database() {
  local node
  # They start by themselves once they are on the mesh, primaries first: a standby is a copy of one that runs. A
  # deployment waits for that, and is none that should be waited for in vain.
  while read -r node <&3; do
    until_true 600 "$node runs" server_answers "$node" || die "$node: its server does not run. See 'journalctl -u postgresql -u patroni' on it."
    deploy_node "$node"
  done 3< <(chosen coordinator && chosen worker && chosen standby)
  on "$(nodes coordinator)" "sudo dinehub-db migrate"
  until_true 1800 "all servers answer and are in sync" database_is_whole || die "The database is not whole: 'sudo dinehub-db status' on $(nodes coordinator) shows what is missing."
}

backend_is_ready() {
  as "$(operator)" "$1" "curl --fail --silent --max-time 5 --output /dev/null http://localhost:8080/health/ready" 2>/dev/null
}

step_backends() {
  local node
  while read -r node <&3; do
    deploy_node "$node"
    until_true 180 "$node is ready" backend_is_ready "$node" || die "$node: is not ready. See 'journalctl -u dinehub-backend' on it."
  done 3< <(chosen backend)
}

serves() {
  curl --fail --silent --show-error --max-time 10 --output /dev/null --resolve "$(of_cluster domain):443:$1" "https://$(of_cluster domain)/"
}

step_dns_check() {
  local domain node address answers failed=false
  domain="$(of_cluster domain)"
  if "$dry_run"; then
    say "dns-check changes nothing: run it without --dry-run."
    return
  fi
  while read -r node <&3; do
    address="$(of_infrastructure "$node" publicAddress)"
    if [[ -z "$address" ]]; then
      say "$node: its public address is not known ($infrastructure)."
      failed=true
    elif serves "$address"; then
      say "$node: serves $domain at $address"
    else
      say "$node: does not serve $domain at $address."
      failed=true
    fi
  done 3< <(nodes ingress)
  # Latency records answer each asker with the nearest: here is but one asker.
  answers="$(dig +short A "$domain" | sort)"
  while read -r address; do
    if ! jq --exit-status --arg address "$address" 'any(.[]; .publicAddress == $address)' "$infrastructure" >/dev/null; then
      say "$domain: the DNS answers $address, which is no ingress of this cluster."
      failed=true
    fi
  done < <(grep . <<<"$answers" || true)
  if [[ -z "$answers" ]]; then
    say "$domain: the DNS has no address. Is the domain delegated to the zone of Route 53?"
    failed=true
  else
    say "$domain: ${answers//$'\n'/, }"
  fi
  if "$failed"; then
    exit 1
  fi
}

identity="${DINEHUB_AGE_IDENTITY:-${XDG_CONFIG_HOME:-$HOME/.config}/sops/age/keys.txt}"

for step in "${wanted[@]}"; do
  say "== $step"
  "step_${step//-/_}"
done
