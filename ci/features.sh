#!/usr/bin/env bash
# The runtime compiles without a warning with every pair of its features, and without any: cargo-hack. The features that are
# for the types of another crate alone count as one feature, since each is a list of implementations that names no other.
set -euo pipefail
cd "$(dirname "$0")/.."

tool=0.6.46
tools=${CARGO_TARGET_DIR:-$PWD/target}/tools
export PATH="$tools/bin:$PATH"
if ! cargo hack --version 2>/dev/null | grep -qF " $tool"; then
  # A debug build compiles in half of the time, and the tool only starts cargo.
  cargo install --quiet --locked --debug "cargo-hack@$tool" --root "$tools"
fi
# A folder of its own: with the flags cargo would build everything else anew.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/features
RUSTFLAGS="-D warnings" cargo hack check --quiet --locked -p pool-runtime --lib --feature-powerset --depth 2 \
  --group-features arrayvec,bytes,hashbrown,heapless,indexmap,smallvec --exclude-features default
