#!/usr/bin/env bash
# twofa-types, twofa-totp and twofa-policy link into a program that has neither std nor an allocator,
# and the same program with either one in it does not build: see scripts/no_std/src/lib.rs.
set -euo pipefail
cd "$(dirname "$0")/no_std"
target=${CARGO_TARGET_DIR:-../../target}/no_std

cp ../../Cargo.lock Cargo.lock # the versions that the workspace has; cargo drops the rest
build() { cargo build --quiet --target-dir "$target" "$@"; }

build

fails_with() {
    local feature=$1 message=$2 said
    if said=$(build --features "$feature" 2>&1); then
        echo "no_std: built with $feature, so that this check proves nothing" >&2
        exit 1
    fi
    if ! grep -qF "$message" <<<"$said"; then
        echo "no_std: with $feature, the build failed for another reason:" >&2
        echo "$said" >&2
        exit 1
    fi
}
fails_with control_alloc "no global memory allocator found"
fails_with control_std 'found duplicate lang item `panic_impl`'
