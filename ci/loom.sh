#!/usr/bin/env bash
# The loom models: every interleaving with up to two preemptions.
set -euo pipefail

export RUSTFLAGS="--cfg pool_loom"
export LOOM_MAX_PREEMPTIONS=2
# A model passes more than loom's default of 1,000 points at which threads can change.
export LOOM_MAX_BRANCHES=20000
# A folder of its own: with the flags cargo would build everything anew.
export CARGO_TARGET_DIR=target/loom
# Optimized, since loom runs each model a hundred thousand times.
cargo test --locked --release -p pool-runtime --lib --no-default-features
