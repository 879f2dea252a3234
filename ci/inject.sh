#!/usr/bin/env bash
# A million restartable sequences are aborted between any two of their steps, and no object is lost. Linux, glibc.
set -euo pipefail

export RUSTFLAGS="--cfg pool_inject"
# A folder of its own: with the flags cargo would build everything anew.
export CARGO_TARGET_DIR=target/inject
# Optimized: the sequences are inlined as in users' programs.
cargo test --locked --release -p tests-always --test inject -- --nocapture
