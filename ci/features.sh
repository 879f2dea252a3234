#!/usr/bin/env bash
# The runtime has no warning, clippy's included, without its features, with each alone, with all, and with each pair: cargo-hack. In the
# pairs, the features that are for the types of another crate alone count as a single feature, since each is a list of implementations
# that names no other.
set -euo pipefail
cd "$(dirname "$0")/.."

tool=0.6.46
tools=${CARGO_TARGET_DIR:-$PWD/target}/tools
export PATH="$tools/bin:$PATH"
if ! cargo hack --version 2>/dev/null | grep -qF " $tool"; then
  # A debug build compiles in half of the time, and the tool only starts cargo.
  if ! cargo install --quiet --locked --debug "cargo-hack@$tool" --root "$tools"; then
    echo "NOT CHECKED: cargo-hack $tool cannot be installed: see above" >&2
    exit ${CI:+1}
  fi
fi
check() { cargo hack clippy --quiet --locked -p pool-runtime --lib --exclude-features default "$@" -- -D warnings; }
check --each-feature
check --feature-powerset --depth 2 --group-features arrayvec,bytes,hashbrown,heapless,indexmap,smallvec
