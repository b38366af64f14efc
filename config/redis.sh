#!/bin/sh
# The Redis of docker-compose.yml. It has no network: the program reaches it through a socket in the volume that both
# mount. Its password is made at the first start, and the whole address is kept in a file beside the data.
set -eu
cd /data
socket=/run/redis/redis.sock  # as the program sees this folder

if [ ! -s address ]; then
    password=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
    (umask 027 && printf 'unix://:%s@%s' "$password" "$socket" >address.new)
    mv address.new address
fi
password=$(cut -d: -f3 address | cut -d@ -f1)

if [ "${1:-}" = ping ]; then  # the health check
    REDISCLI_AUTH=$password redis-cli -s redis.sock ping | grep -q PONG
    exit
fi

umask 077
# The settings come through a pipe: an argument could be seen in the list of processes.
redis_conf=/etc/voice-transcriber/redis.conf
exec redis-server - --dir /data --port 0 --unixsocket /data/redis.sock --unixsocketperm 770 "$@" <<END
include $redis_conf
requirepass $password
END
