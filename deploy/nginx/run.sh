#!/bin/sh
# Runs nginx in front of all replicas that a name stands for, and follows them as they come and go.
#
#   sh run.sh NAME PORT [DIRECTORY]
#
# The ring of `hash ... consistent` is made of what the `server` lines say, so the addresses of one name would all have
# the same places on it, and requests for one repository would take turns among them. Therefore each address gets a
# line of its own. When they change, nginx reads its configuration anew; clones on their way are not disturbed.
#
# NAME must stand for replicas that are ready: a headless Service, or a service of compose. DIRECTORY holds what nginx
# writes. PACKHORSE_LOOK_UP_SECONDS says how often the name is looked up.
set -eu
name=$1
port=$2
directory=${3:-/run/packhorse-nginx}
pause=${PACKHORSE_LOOK_UP_SECONDS:-2}

look_up() {
  getent ahosts "$name" | while read -r address type _; do
    if [ "$type" = STREAM ]; then
      case $address in
        *:*) echo "server [$address]:$port max_fails=0;" ;;
        *) echo "server $address:$port max_fails=0;" ;;
      esac
    fi
  done | sort -u
}

# max_fails=0: each request finds out by itself whether a replica is there. Two that restart one after the other could
# else both count as failed, and there would be none left.
write_replicas() {
  printf '%s\n' "$replicas" >"$directory/replicas.new"
  mv "$directory/replicas.new" "$directory/replicas.conf"
  printf 'replicas: %s\n' "$(echo "$replicas" | tr '\n' ' ')" >&2
}

stopping=false
nginx=
# SIGQUIT lets nginx finish the clones on their way.
stop() {
  stopping=true
  if [ -n "$nginx" ]; then kill -QUIT "$nginx" 2>/dev/null || true; fi
}
trap stop TERM INT QUIT

# A sleep that a signal ends.
rest() {
  sleep "$pause" &
  wait $! || true
}

replicas=$(look_up)
while [ -z "$replicas" ]; do
  if $stopping; then exit 0; fi
  rest
  replicas=$(look_up)
done
cp "$(dirname "$0")/nginx.conf" "$directory/nginx.conf"
write_replicas
nginx -p "$directory" -c "$directory/nginx.conf" -e stderr -g 'daemon off;' &
nginx=$!

while ! $stopping && kill -0 "$nginx" 2>/dev/null; do
  rest
  now=$(look_up)
  # A name that cannot be looked up says nothing about the replicas.
  if [ -n "$now" ] && [ "$now" != "$replicas" ]; then
    replicas=$now
    write_replicas
    kill -HUP "$nginx" 2>/dev/null || true
  fi
done
wait "$nginx"
