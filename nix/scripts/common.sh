# shellcheck shell=bash
# What the scripts share: the nodes of the topology, and how they are reached. Sourced, not run.
#
# Environment:
#   DINEHUB_NIX         the folder with generated/topology.json: the repository's nix/, unless it is set
#   DINEHUB_OPERATOR    the user name on the machines: the local one, unless it is set
#   DINEHUB_SSM_PROXY   the ProxyCommand for AWS Systems Manager: dinehub-ssm-proxy, or ssm-proxy.sh beside this file
#   DINEHUB_POLL_SECONDS, DINEHUB_WAIT_SECONDS
#                       how often is looked at what is waited for, 5, and for how long at most, whatever it is

scripts="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
dry_run=false
via=mesh

poll_seconds="${DINEHUB_POLL_SECONDS:-5}"

say() {
  printf '%s\n' "$*" >&2
}

die() {
  say "$*"
  exit 1
}

find_nix() {
  local top
  if [[ -n "${DINEHUB_NIX-}" ]]; then
    nix="$DINEHUB_NIX"
  elif top="$(git rev-parse --show-toplevel 2>/dev/null)" && [[ -f "$top/nix/generated/topology.json" ]]; then
    nix="$top/nix"
  else
    nix="$(dirname "$scripts")"
  fi
  topology="$nix/generated/topology.json"
  infrastructure="$nix/infrastructure.json"
  [[ -f "$topology" ]] || die "There is no $topology: run 'dotnet run --project DineHub.AppHost -- publish', or set DINEHUB_NIX."
  read_nodes
  read_cluster
  read_infrastructure
}

# Runs a command, or only prints it (--dry-run).
run() {
  if "$dry_run"; then
    printf '%q ' "$@"
    printf '\n'
  else
    "$@"
  fi
}

# --- The topology ---

# Read once: a rollout asks hundreds of times.
node_names=()
declare -A node_role node_region node_fqdn node_follows

read_nodes() {
  local name role region fqdn follows
  while IFS=$'\t' read -r name role region fqdn follows; do
    node_names+=("$name")
    node_role[$name]="$role"
    node_region[$name]="$region"
    node_fqdn[$name]="$fqdn"
    node_follows[$name]="$follows"
  done < <(jq --raw-output '.nodes[] | [.name, .role, .region, .fqdn, .follows // ""] | @tsv' "$topology")
  ((${#node_names[@]} > 0)) || die "$topology has no nodes."
}

# nodes ROLES [REGION]: names, in the order of the topology; ROLES as a comma-separated list.
nodes() {
  local name
  for name in "${node_names[@]}"; do
    if [[ ",$1," == *",${node_role[$name]},"* && (-z "${2-}" || "${node_region[$name]}" == "$2") ]]; then
      printf '%s\n' "$name"
    fi
  done
}

# standby_of GROUP: nothing where it has none.
standby_of() {
  local name
  for name in "${node_names[@]}"; do
    if [[ "${node_follows[$name]}" == "$1" ]]; then
      printf '%s\n' "$name"
    fi
  done
}

# of_node NODE FIELD: its role, region or fqdn.
of_node() {
  local value=""
  case "$2" in
    role) value="${node_role[$1]-}" ;;
    region) value="${node_region[$1]-}" ;;
    fqdn) value="${node_fqdn[$1]-}" ;;
  esac
  [[ -n "$value" ]] || die "The topology has no node '$1' with a ${2}."
  printf '%s\n' "$value"
}

declare -A cluster_field=()

read_cluster() {
  local field value
  while IFS=$'\t' read -r field value; do
    cluster_field[$field]="$value"
  done < <(jq --raw-output 'to_entries[] | select(.value | type == "string" or type == "number") | [.key, .value] | @tsv' "$topology")
}

of_cluster() {
  printf '%s\n' "${cluster_field[$1]-}"
}

regions() {
  jq --raw-output '.regions[].name' "$topology"
}

declare -A infrastructure_field=()

# Again whenever the file has changed.
read_infrastructure() {
  local node field value
  infrastructure_field=()
  if [[ -f "$infrastructure" ]]; then
    while IFS=$'\t' read -r node field value; do
      infrastructure_field[$node/$field]="$value"
    done < <(jq --raw-output 'to_entries[] | .key as $node | .value | objects | to_entries[] | select(.value | type == "string") | [$node, .key, .value] | @tsv' "$infrastructure")
  fi
}

# of_infrastructure NODE FIELD: nothing where it is not known.
of_infrastructure() {
  printf '%s\n' "${infrastructure_field[$1/$2]-}"
}

# --- Reaching a node ---

operator() {
  printf '%s\n' "${DINEHUB_OPERATOR:-$(id -un)}"
}

ssm_proxy() {
  if [[ -n "${DINEHUB_SSM_PROXY-}" ]]; then
    printf '%s\n' "$DINEHUB_SSM_PROXY"
  elif command -v dinehub-ssm-proxy >/dev/null; then
    echo dinehub-ssm-proxy
  else
    printf '%s\n' "$scripts/ssm-proxy.sh"
  fi
}

# goes_by_ssm NODE: Headscale's host is never on the mesh.
goes_by_ssm() {
  [[ "$via" == ssm || "$(of_node "$1" role)" == headscale ]]
}

# ssh_options NODE: one option a line, and none with a space in it, as deploy-rs and Nix split them at spaces; DINEHUB_NODE
# tells the proxy whom it is for. A host's key is known by the host's name on the mesh, whichever way it is reached.
# That a new key is accepted is safe over Systems Manager, where AWS says which machine it is.
ssh_options() {
  if goes_by_ssm "$1"; then
    printf '%s\n' "-oProxyCommand=$(ssm_proxy)" "-oHostKeyAlias=$(of_node "$1" fqdn)" -oStrictHostKeyChecking=accept-new
  fi
  printf '%s\n' -oBatchMode=yes -oConnectTimeout=20 -oServerAliveInterval=15
}

# address NODE: what to call it on the way that is taken.
address() {
  if goes_by_ssm "$1"; then
    printf '%s\n' "$1"
  else
    of_node "$1" fqdn
  fi
}

# as USER NODE COMMAND…: the command is one text for the other side's shell.
as() {
  local user="$1" node="$2" options
  shift 2
  mapfile -t options < <(ssh_options "$node")
  # shellcheck disable=SC2029 # The command is complete here; the caller has quoted its variables.
  DINEHUB_NODE="$node" ssh "${options[@]}" "$user@$(address "$node")" "$@"
}

# on NODE COMMAND…: as the operator, and only shown in a dry run.
on() {
  local node="$1"
  shift
  if "$dry_run"; then
    printf 'ssh %s %q\n' "$(operator)@$(address "$node")" "$*"
  else
    as "$(operator)" "$node" "$@"
  fi
}

# deploy_node NODE [ARGUMENT…]: by deploy-rs, as the operator, unless an argument says otherwise. It takes a failed activation
# back by itself, and so it does when it cannot reach the node afterwards.
deploy_node() {
  local node="$1" options
  shift
  mapfile -t options < <(ssh_options "$node")
  say "$node: deploy"
  DINEHUB_NODE="$node" run deploy --skip-checks --hostname "$(address "$node")" --ssh-user "$(operator)" \
    --ssh-opts "${options[*]}" "$@" "$nix#$node"
}

# until_true SECONDS WHAT COMMAND…: tries again and again.
until_true() {
  local limit="${DINEHUB_WAIT_SECONDS:-$1}" what="$2" start=$SECONDS
  shift 2
  if "$dry_run"; then
    say "wait up to $limit s: $what"
    return 0
  fi
  until "$@"; do
    if ((SECONDS - start >= limit)); then
      say "Not within $limit s: $what."
      return 1
    fi
    sleep "$poll_seconds"
  done
}
