#!/usr/bin/env bash
# How many instructions the main calls take, counted by Valgrind, which is the same on every run; fails where one takes
# over a twentieth more than benches/instructions.txt says. Other compilers count otherwise: the file names its own.
#
#   scripts/instructions.sh            compares
#   scripts/instructions.sh --accept   writes the file anew
set -euo pipefail
cd "$(dirname "$0")/.."
listed=benches/instructions.txt
target=${CARGO_TARGET_DIR:-$PWD/target}/instructions
# The hashes in plain Rust, so that every processor counts alike.
export RUSTFLAGS='--cfg sha1_backend="soft" --cfg sha2_backend="soft"'

cargo build --locked --quiet --release --target-dir "$target" -p twofa-benches --features counted --bin counted

# counted NAME TIMES: the instructions of the whole run.
counted() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$target/release/counted" "$@" 2>&1 |
        sed -n 's/.*Collected : //p'
}

# each NAME: of one call.
each() { echo $((($(counted "$1" 120) - $(counted "$1" 20)) / 100)); }

measured=$(
    echo "# $(rustc --version)"
    for name in verify-sha1 verify-sha256 verify-sha512 decide qr; do
        echo "$name $(each "$name")"
    done
)
echo "$measured"
if [ "${1:-}" = --accept ]; then
    echo "$measured" >"$listed"
    exit
fi
echo "$measured" | awk -v file="$listed" '
    BEGIN { while ((getline line < file) > 0) { split(line, field, " "); listed[field[1]] = field[2] } }
    /^#/ { next }
    !($1 in listed) || $2 == 0 { print $1 ": not counted, or not listed in " file; bad = 1; next }
    $2 > listed[$1] * 1.05 { print $1 ": " $2 " instructions, " listed[$1] " are listed in " file; bad = 1 }
    END { exit bad }'
