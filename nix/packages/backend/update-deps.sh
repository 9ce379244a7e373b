#!/usr/bin/env bash
# Writes deps.json beside it: the NuGet packages that `dotnet restore DineHub.Api` restores, with the hashes of their .nupkg
# files, in the order and the format of nixpkgs' own `passthru.fetch-deps`. Needs bash, coreutils and jq, and a restored tree.
#
#   dotnet restore DineHub.Api && nix/packages/backend/update-deps.sh            writes
#   dotnet restore DineHub.Api && nix/packages/backend/update-deps.sh --check    fails where deps.json is not what was restored
set -euo pipefail
export LC_ALL=C

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../../.." && pwd)"
assets="$root/DineHub.Api/obj/project.assets.json"
deps="$here/deps.json"

case "${1-}" in
  "" | --check) ;;
  *)
    echo "usage: update-deps.sh [--check]" >&2
    exit 2
    ;;
esac
if [ ! -f "$assets" ]; then
  echo "$assets is missing: run 'dotnet restore DineHub.Api' in $root first." >&2
  exit 1
fi

folder="$(jq --raw-output '.packageFolders | keys | first' "$assets")"

# pname, version and .nupkg of each package. The ids are written as their authors do; the folder has them in lower case.
list() {
  jq --raw-output '
    .libraries | to_entries[] | select(.value.type == "package")
    | (.key | split("/")) as [$name, $version]
    | [$name, $version, .value.path + "/" + (($name + "." + $version + ".nupkg") | ascii_downcase)]
    | @tsv' "$assets"
}

render() {
  while IFS=$'\t' read -r name version path; do
    file="$folder/$path"
    if [ ! -f "$file" ]; then
      echo "$file is missing: restore again." >&2
      return 1
    fi
    hash="$(sha256sum "$file" | cut -c 1-64 | tr 'a-f' 'A-F' | basenc --base16 --decode | base64 --wrap=0)"
    jq --null-input --arg pname "$name" --arg version "$version" --arg hash "sha256-$hash" '{ $pname, $version, $hash }'
  done < <(list) | jq --slurp 'sort_by(.pname, .version)'
}

fresh="$(render)"
if [ "${1-}" = --check ]; then
  if ! diff --unified --label deps.json --label restored "$deps" <(printf '%s\n' "$fresh"); then
    echo "deps.json is out of date for DineHub.Api: run nix/packages/backend/update-deps.sh." >&2
    exit 1
  fi
  echo "deps.json is up to date."
else
  printf '%s\n' "$fresh" > "$deps"
  echo "$deps: $(jq length "$deps") packages"
fi
