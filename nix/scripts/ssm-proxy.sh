#!/usr/bin/env bash
# The way to a machine's SSH that needs neither an open port nor the mesh: a session of AWS Systems Manager, whose agent
# on the machine connects outwards and hands the session to port 22 there. For ssh's ProxyCommand.
#
#   ssh -o ProxyCommand='dinehub-ssm-proxy %h' backend-eu-1
#   DINEHUB_NODE=backend-eu-1 ssh -oProxyCommand=dinehub-ssm-proxy backend-eu-1
#
# Without an argument it takes DINEHUB_NODE, or else Headscale's host: deploy-rs and Nix split ssh's options at spaces, so
# that theirs can have no argument.
set -euo pipefail
# shellcheck source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

find_nix
node="${1:-${DINEHUB_NODE:-}}"
if [[ -z "$node" ]]; then
  node="$(nodes headscale)"
fi
region="$(of_node "$node" region)"

instance="$(of_infrastructure "$node" instanceId)"
if [[ -z "$instance" ]]; then
  instance="$(
    aws ec2 describe-instances --region "$region" --output text \
      --filters "Name=tag:Name,Values=$node" Name=instance-state-name,Values=running \
      --query 'Reservations[].Instances[].InstanceId'
  )"
fi
[[ "$instance" =~ ^i-[0-9a-f]+$ ]] || die "'$node' is not one running instance in $region, but '${instance}'."

exec aws ssm start-session --region "$region" --target "$instance" \
  --document-name AWS-StartSSHSession --parameters portNumber=22
