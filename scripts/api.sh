#!/usr/bin/env bash
# Whether what the library crates offer is what docs/api says, line by line, so that no change of it goes unseen.
#
#   scripts/api.sh            compares
#   scripts/api.sh --accept   writes docs/api anew: read the difference, and note in CHANGELOG.md what users will notice
set -euo pipefail
cd "$(dirname "$0")/.."
# rustdoc gives its machine-readable output only behind this switch; a folder of its own, since cargo remembers it.
export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/api

changed=0
for crate in crates/*/; do
    crate=$(basename "$crate")
    listed=docs/api/$crate.txt
    now=$(cargo public-api --package "$crate" --all-features -sss 2>"$CARGO_TARGET_DIR.log") || {
        cat "$CARGO_TARGET_DIR.log" >&2
        exit 1
    }
    if [ "${1:-}" = --accept ]; then
        mkdir -p docs/api
        echo "$now" >"$listed"
    elif ! diff --unified=0 "$listed" <(echo "$now"); then
        changed=1
    fi
done
[ "$changed" = 0 ] || {
    echo "the public interface differs from docs/api; if that is meant: scripts/api.sh --accept" >&2
    exit 1
}
