#!/bin/sh
# Runs a command beside a PostgreSQL of its own, which is gone when the command ends.
#
#   scripts/postgres.sh [--fsync on|off] [--] COMMAND [ARGUMENT...]
#
# The command finds the server's URL in TWOFA_TEST_POSTGRES, and its data folder and programs in
# TWOFA_TEST_POSTGRES_DATA and TWOFA_TEST_POSTGRES_BIN. Without fsync (the default) a commit is not durable, and
# tests are quick; ask for it wherever durability or speed is measured.
set -eu

fsync=off
while [ $# -gt 0 ]; do
    case $1 in
    --fsync)
        fsync=${2:?--fsync needs on or off}
        shift 2
        ;;
    --)
        shift
        break
        ;;
    -*)
        echo "postgres.sh: unknown option $1" >&2
        exit 2
        ;;
    *) break ;;
    esac
done
case $fsync in on | off) ;; *)
    echo "postgres.sh: --fsync takes on or off" >&2
    exit 2
    ;;
esac
[ $# -gt 0 ] || {
    echo "usage: scripts/postgres.sh [--fsync on|off] [--] COMMAND [ARGUMENT...]" >&2
    exit 2
}

bin=
for candidate in /usr/lib/postgresql/*/bin; do
    [ -x "$candidate/initdb" ] && bin=$candidate
done
if [ -z "$bin" ]; then
    if command -v initdb >/dev/null 2>&1; then
        bin=$(dirname "$(command -v initdb)")
    else
        echo "postgres.sh: PostgreSQL is missing; install it with: apt-get install -y --no-install-recommends postgresql" >&2
        exit 3
    fi
fi

folder=$(mktemp -d)
stop() {
    # shellcheck disable=SC2086
    (cd "$folder" && $as "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop) >/dev/null 2>&1 || true
    rm -rf "$folder"
}
as=
# initdb refuses root.
if [ "$(id -u)" = 0 ]; then
    chown postgres: "$folder"
    as="setpriv --reuid=postgres --regid=postgres --init-groups --"
fi
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The programs run in a folder that their user can read.
in_folder() {
    # shellcheck disable=SC2086
    (cd "$folder" && $as "$@")
}
in_folder "$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null

# A port that was free a moment ago may be taken by now: try another.
started=
for try in 1 2 3 4 5 6 7 8 9 10; do
    port=$(awk -v seed="$$$try" 'BEGIN { srand(seed); print 20000 + int(rand() * 12000) }')
    # No parallel tests in one cluster need more than these connections.
    if in_folder "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w -t 30 \
        -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300 -c fsync=$fsync" \
        start >/dev/null 2>&1; then
        started=yes
        break
    fi
done
if [ -z "$started" ]; then
    echo "postgres.sh: PostgreSQL does not start:" >&2
    cat "$folder/log" >&2
    exit 3
fi

export TWOFA_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port/postgres"
export TWOFA_TEST_POSTGRES_DATA="$folder/data"
export TWOFA_TEST_POSTGRES_BIN="$bin"
"$@"
