#!/bin/sh
# Runs one PostgreSQL server of the cluster, as a process or in a container: `db join` prepares the data folder and decides what
# the server starts as; then the server takes this process's place, so that the resource's process is the server's.
#
# Usage:
#   serve.sh DOTNET DLL NODE DATA BIN [OPTION]... -- COMMAND [ARGUMENT]...
#
#   DOTNET   the program `dotnet`
#   DLL      DineHub.Api.dll
#   NODE     the server's name in the topology
#   DATA     its data folder, a full path: not a mount point, and in a folder of PostgreSQL's user, because copies are made beside it
#   BIN      the folder of PostgreSQL's programs
#   OPTION   more options of `db join`: --setting NAME=VALUE, --force
#   COMMAND  the server, such as: BIN/postgres -D DATA -c port=5432
#
# The environment has what `db join` reads (Database__...). The server does not get it: there are passwords in it.
# Where this is root, server and data are those of the user `postgres`, else of `nobody`: PostgreSQL refuses to run as root.
#
# Exit codes: the server's; that of `db join` where it failed; 143 after SIGTERM, SIGINT or SIGHUP during `db join`; 64 after wrong usage.
set -eu

fail() {
  echo "serve.sh: $1" >&2
  exit "${2:-1}"
}

# Runs `db join` with the options before "--", in place of this (sub)shell.
join() {
  # The options move behind the command, which is then dropped.
  command=$(($# - options))
  moved=0
  while [ "$moved" -lt "$options" ]; do
    set -- "$@" "$1"
    shift
    moved=$((moved + 1))
  done
  shift "$command"
  set -- "$dotnet" "$dll" db join --node "$node" --data "$data" --bin "$bin" --initialize "$@"

  # Where this script is killed, its join must not go on and replace the files of the next run's server.
  if [ "$(uname)" = Linux ] && command -v setpriv >/dev/null; then
    set -- setpriv --pdeathsig TERM -- "$@"
  fi
  exec "$@"
}

# A job in the background ignores SIGINT (POSIX, 2.11), so it gets SIGTERM.
stop() {
  trap '' TERM INT HUP
  if [ -n "${!:-}" ]; then
    kill -TERM "$!" 2>/dev/null || :
    wait "$!" || :
  fi
  exit 143
}

[ "$#" -ge 7 ] || fail "usage: serve.sh DOTNET DLL NODE DATA BIN [OPTION]... -- COMMAND [ARGUMENT]..." 64
dotnet=$1 dll=$2 node=$3 data=$4 bin=$5
shift 5
options=0
for argument in "$@"; do
  [ "$argument" != -- ] || break
  options=$((options + 1))
done
[ "$options" -lt $(($# - 1)) ] || fail "a '--' and the server's command are missing" 64
case $data in
  /*/*) ;;
  *) fail "the data folder '$data' must be a full path, and not in the root folder" 64 ;;
esac

user=
if [ "$(id -u)" = 0 ]; then
  user=postgres
  id "$user" >/dev/null 2>&1 || user=nobody
  around=$(dirname "$data")
  mkdir -p "$around"

  # A new folder, or a new volume; one that holds other files may be anything.
  if [ "$(stat -c %u "$around")" = 0 ] && [ -z "$(ls -A "$around")" ]; then
    chown "$user:$(id -g "$user")" "$around"
    chmod 700 "$around"
  fi
  [ "$(stat -c %u "$around")" != 0 ] || fail "'$around' belongs to root, and PostgreSQL refuses to run as root: chown $user '$around'"

  # Where libpq looks for certificates.
  HOME=$(getent passwd "$user" | cut -d: -f6)
  export HOME
fi

trap stop TERM INT HUP
join "$@" &
status=0
wait "$!" || status=$?
[ "$status" = 0 ] || exit "$status"

shift $((options + 1))
for name in $(env | sed -n 's/^\(Database__[A-Za-z0-9_]*\)=.*/\1/p'); do
  unset "$name"
done
if [ -n "$user" ]; then
  exec setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups -- "$@"
fi
exec "$@"
