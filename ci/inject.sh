#!/usr/bin/env bash
# A million restartable sequences are aborted between any two of their steps, and no object is lost. Linux, glibc.
set -euo pipefail

export RUSTFLAGS="--cfg pool_inject"
# A folder of its own: the flags would have everything built anew.
export CARGO_TARGET_DIR=target/inject
# Optimized: the sequences are inlined where users have them.
cargo test --locked --release -p tests-always --test inject -- --nocapture
