#!/usr/bin/env bash
# Stands in, by its name, for a program that nix/scripts call: writes down what it is asked ($STAND_IN/log, one line each; what
# only looks goes to $STAND_IN/looks) and answers from files in $STAND_IN:
#
#   installed-NODE   it runs its own system: the operator may sign in, and root may not
#   booted-NODE      its system was deployed for the next boot
#   mesh-NODE        it is on the mesh
#   fails-NODE       its deployments fail
#   away-NODE        it does not answer
#   unwell-NODE      it is not ready, or does not serve
#   new-NODE         it runs the system that was deployed, and not its former one
#   spoils-NODE      with the new system it is not ready, or does not serve
#   inverted-NODE    its health check is
#   status.json      what the database says of itself
#   nodes.json       what Headscale knows
#   received         what came by standard input
set -euo pipefail
program="${0##*/}"
state="$STAND_IN"

did() { printf '%s\n' "$*" >>"$state/log"; }
looked() { printf '%s\n' "$*" >>"$state/looks"; }
is() { [[ -e "$state/$1" ]]; }
is_well() { ! is "unwell-$1" && ! { is "new-$1" && is "spoils-$1"; }; }
at_address() { jq --raw-output --arg address "$1" 'to_entries[] | select(.value.publicAddress == $address) | .key' "$DINEHUB_NIX/infrastructure.json"; }

run_ssh() {
  while [[ "$1" == -* ]]; do shift; done
  local user="${1%%@*}" node="${1#*@}" command="${*:2}"
  node="${node%%.*}"
  if is "away-$node"; then
    exit 255
  elif is "installed-$node"; then
    [[ "$user" != root ]] || exit 255
  else
    [[ "$user" == root ]] || exit 255
  fi
  case "$command" in
    true) looked "ssh $node $command" ;;
    *"headscale users list"*) cat "$state/users.json" 2>/dev/null || echo null ;;
    *"headscale users create"*)
      did "ssh $node $command"
      jq --null-input --arg name "${command##* }" '[{ name: $name }]' >"$state/users.json"
      ;;
    *"headscale nodes list"*) cat "$state/nodes.json" 2>/dev/null || echo null ;;
    *"headscale preauthkeys create"*)
      did "ssh $node $command"
      echo '{ "key": "THE-AUTH-KEY" }'
      ;;
    *"tailscale status"*)
      looked "ssh $node $command"
      if is "mesh-$node"; then echo '{ "BackendState": "Running" }'; else echo '{ "BackendState": "NeedsLogin" }'; fi
      ;;
    *auth-key*)
      did "ssh $node auth-key"
      { cat; echo; } >>"$state/received"
      touch "$state/mesh-$node"
      ;;
    *key.txt*)
      did "ssh $node key by $user"
      { cat; echo; } >>"$state/received"
      ;;
    *"systemctl reboot"*)
      did "ssh $node reboot"
      ! is "booted-$node" || touch "$state/installed-$node"
      ;;
    *"dinehub-db status"*)
      looked "ssh $node $command"
      cat "$state/status.json"
      ;;
    *curl*health/ready*)
      local asked="$node"
      if [[ "$command" =~ http://([a-z0-9-]+)\.mesh ]]; then asked="${BASH_REMATCH[1]}"; fi
      looked "ready $asked from $node"
      is_well "$asked"
      ;;
    *readlink*current-system)
      looked "ssh $node $command"
      if is "new-$node"; then echo /nix/store/the-new-system; else echo /nix/store/the-former-system; fi
      ;;
    *switch-to-configuration*)
      did "ssh $node $command"
      rm -f "$state/new-$node"
      ;;
    *is-active*) looked "ssh $node $command" ;;
    *) did "ssh $node $command" ;;
  esac
}

run_deploy() {
  local node="${*: -1}"
  node="${node#*#}"
  did "deploy $node $*"
  if is "fails-$node"; then
    exit 1
  fi
  if [[ " $* " == *" --boot "* ]]; then
    touch "$state/booted-$node"
  else
    touch "$state/new-$node"
  fi
}

run_aws() {
  case "$1 $2" in
    "route53 list-health-checks")
      jq '{ HealthChecks: [to_entries[] | select(.value.publicAddress) | { Id: ("check-" + .key), HealthCheckConfig: { IPAddress: .value.publicAddress } }] }' "$DINEHUB_NIX/infrastructure.json"
      ;;
    "route53 get-health-check-status")
      looked "$*"
      if is_well "${4#check-}"; then
        echo '{ "HealthCheckObservations": [{ "StatusReport": { "Status": "Success: 200" } }] }'
      else
        echo '{ "HealthCheckObservations": [{ "StatusReport": { "Status": "Failure: 503" } }] }'
      fi
      ;;
    "route53 get-health-check")
      if is "inverted-${4#check-}"; then echo '{ "HealthCheck": { "HealthCheckConfig": { "Inverted": true } } }'; else echo '{ "HealthCheck": { "HealthCheckConfig": { "Inverted": false } } }'; fi
      ;;
    "route53 update-health-check")
      did "aws $5 ${4#check-}"
      if [[ "$5" == --inverted ]]; then touch "$state/inverted-${4#check-}"; else rm -f "$state/inverted-${4#check-}"; fi
      ;;
    "ec2 describe-instances") echo "$STAND_IN_INSTANCES" ;;
    *) did "aws $*" ;;
  esac
}

run_curl() {
  local address node
  address="$(grep --only-matching --perl-regexp -- '--resolve \S+:\K[0-9.]+' <<<"$*" || true)"
  node="$(at_address "$address")"
  looked "curl $node"
  is_well "$node"
}

run_terraform() {
  if [[ "$*" == *output* ]]; then
    cat "$state/infrastructure.json"
  else
    did "terraform ${*:2}"
  fi
}

run_nix() {
  did "nix $*"
  if is "fails-nix-$1"; then
    exit 1
  fi
  if [[ "$1" == build ]]; then
    echo /nix/store/the-new-system
  fi
}

case "$program" in
  ssh | deploy | aws | curl | terraform | nix) "run_$program" "$@" ;;
  age)
    did "age $*"
    echo "KEY-OF-$(basename "${*: -1}" .age)"
    ;;
  dig) jq --raw-output '.[].publicAddress | strings' "$DINEHUB_NIX/infrastructure.json" ;;
  *)
    echo "$program has no stand-in" >&2
    exit 127
    ;;
esac
