#!/usr/bin/env bash
# Whether the lowest versions that the manifests allow really build: each direct dependency of the library crates at
# its lowest, in a copy without the examples and without what only tests need.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}/minimal
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

cp -r Cargo.toml crates "$copy"
cd "$copy"
sed -i 's|^members = .*|members = ["crates/*"]|; /^exclude = /d' Cargo.toml
# A table ends where the next begins.
for manifest in crates/*/Cargo.toml; do
    awk '/^\[/ { dropped = /^\[(dev-dependencies|\[(test|bench|example)\]\])/ } !dropped' "$manifest" >kept
    mv kept "$manifest"
done

# cargo keeps the option behind its switch for things to come; the compiler is the stable one all the same.
RUSTC_BOOTSTRAP=1 cargo update --quiet -Z direct-minimal-versions
cargo check --quiet --workspace --all-features --target-dir "$target"
