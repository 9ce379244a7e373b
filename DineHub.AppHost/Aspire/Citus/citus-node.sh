#!/bin/sh
# Starts a server that has a standby, or is one: makes sure that its data folder is what it is to be, then runs the command that it is given.
#
# A server's data is that of a standby (standby.signal), of a primary, or not there. A standby may always start. The other two become a standby
# of the peer, by a base backup, while the peer is the primary. Otherwise a note decides, which a standby writes when it is promoted, before it
# takes its first write (recovery_end_command), into a folder that both servers see: whoever is not named waits. Without a note it is the
# group's first server that is the primary, and it starts as the command would have it start.
#
#   PGDATA                        the data folder; its owner runs this, or root does, who can become 'postgres' (gosu)
#   POSTGRES_USER, POSTGRES_PASSWORD   a superuser, the same on both servers
#   CITUS_NODE, CITUS_GROUP       this server's name, and that of the group: its first server's
#   CITUS_PEER, CITUS_PEER_PORT   where the other server is
#   CITUS_NOTES                   the folder of the notes
#   CITUS_PASSFILE                the file that the password is written to, for libpq
#   CITUS_FENCE                   a file's name in the data folder: a primary with that was ended so that it cannot come back as one
set -eu
trap 'exit 143' INT TERM

note=$CITUS_NOTES/$CITUS_GROUP
slot=$(printf %s "$CITUS_NODE" | tr 'A-Z-' 'a-z_')
connection="host=$CITUS_PEER port=$CITUS_PEER_PORT user=$POSTGRES_USER passfile='$CITUS_PASSFILE' connect_timeout=5"
connection="$connection keepalives_idle=5 keepalives_interval=2 keepalives_count=2 tcp_user_timeout=5000"
told=

say() {
  if [ "$*" != "$told" ]; then
    told="$*"
    echo "$CITUS_NODE $told" >&2
  fi
}

fail() {
  say "$*"
  exit 1
}

as_owner() {
  if [ "$(id -u)" = 0 ]; then gosu postgres "$@"; else "$@"; fi
}

ask() {
  as_owner psql -X -q -A -t -d "$connection dbname=postgres" -c "$1" 2>/dev/null
}

has() {
  [ -e "$PGDATA/$1" ]
}

# The slot keeps WAL on the primary; what it has not kept can't be caught up with.
slot_is_lost() {
  [ "$(ask "SELECT count(*) FROM pg_replication_slots WHERE slot_name = '$slot' AND wal_status = 'lost'")" = 1 ]
}

ensure_slot() {
  ask "SELECT pg_create_physical_replication_slot('$slot', true) WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '$slot')" >/dev/null || true
}

# PG_VERSION goes first and comes last: a folder that has it is whole. A copy under way must not go by the server's name: the primary
# would take it for the standby, and wait for it.
copy() {
  say "is copied from $CITUS_PEER"
  mkdir -p "$PGDATA" && chmod 700 "$PGDATA" || return 1
  if [ "$(id -u)" = 0 ]; then
    chown postgres "$PGDATA" || return 1
  fi
  if slot_is_lost; then
    ask "SELECT pg_drop_replication_slot('$slot')" >/dev/null || return 1
  fi
  ensure_slot
  rm -rf "$PGDATA/copy"
  as_owner mkdir -m 700 "$PGDATA/copy" || return 1
  as_owner pg_basebackup --pgdata "$PGDATA/copy" --dbname "$connection application_name=copy" --wal-method stream --checkpoint fast --slot "$slot" || return 1
  rm -f "$PGDATA/copy/$CITUS_FENCE"
  as_owner touch "$PGDATA/copy/standby.signal"
  rm -f "$PGDATA/PG_VERSION" || return 1
  find "$PGDATA" -mindepth 1 -maxdepth 1 ! -name copy -exec rm -rf {} + || return 1
  find "$PGDATA/copy" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv -t "$PGDATA" {} + || return 1
  mv "$PGDATA/copy/PG_VERSION" "$PGDATA"
  rmdir "$PGDATA/copy"
}

mkdir -p "$CITUS_NOTES"
rm -f "$CITUS_PASSFILE"
(umask 077 && printf '*:*:*:%s:%s\n' "$POSTGRES_USER" "$(printf %s "$POSTGRES_PASSWORD" | sed 's/[\\:]/\\&/g')" >"$CITUS_PASSFILE")
if [ "$(id -u)" = 0 ]; then
  chown postgres "$CITUS_NOTES" "$CITUS_PASSFILE"
fi

# A promotion that could not be noted down would be forgotten.
as_owner touch "$CITUS_NOTES/.$CITUS_NODE" || fail "cannot write to $CITUS_NOTES"

while :; do
  peer_follows=$(ask 'SELECT pg_is_in_recovery()') || peer_follows=
  noted=$(cat "$note" 2>/dev/null) || noted=
  if has PG_VERSION && has standby.signal; then
    if [ "$peer_follows" != f ]; then
      say "starts as a standby; $CITUS_PEER is no primary now"
      break
    elif ! slot_is_lost; then
      ensure_slot
      say "starts as the standby of $CITUS_PEER"
      break
    fi
    say "lacks WAL that $CITUS_PEER has removed"
    copy && break
  elif [ "$peer_follows" = f ]; then
    copy && break
  elif [ "${noted:-$CITUS_GROUP}" != "$CITUS_NODE" ]; then
    say "waits for $CITUS_PEER to be the primary that it can be copied from"
  elif has PG_VERSION && has "$CITUS_FENCE"; then
    fail "was fenced, but $CITUS_PEER is not the primary yet: promote it again, then start this one"
  elif has PG_VERSION || [ -z "$noted" ]; then
    break
  else
    fail "was the primary and has lost its data: promote $CITUS_PEER, then start this one"
  fi
  sleep 1
done

exec "$@" \
  -c "primary_conninfo=$connection application_name=$CITUS_NODE" \
  -c "primary_slot_name=$slot" \
  -c "recovery_end_command=echo '$CITUS_NODE' > '$note.new' && mv '$note.new' '$note'"
