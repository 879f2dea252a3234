#!/usr/bin/env bash
# The tests again with the switches that change what the pool does.
set -euo pipefail

# These hold whatever the pool does, and count no hits. The doc of each file says so.
uncounted=(--test any_order --test auto_traits --test before_main --test by_hand --test exactly_once --test fork --test frozen
  --test large --test realtime --test reentrancy --test same_number --test stress --test threads --test timer --test wipe)

# What runs without a switch is ci/test.sh: restartable sequences where the machine has them.
echo '-- POOL_BACKEND=rseq-cpu'
POOL_BACKEND=rseq-cpu cargo test --locked --release -p tests
# The portable backend, found another way.
echo '-- glibc.pthread.rseq=0'
GLIBC_TUNABLES=glibc.pthread.rseq=0 cargo test --locked --release -p tests --test backend --test exactly_once --test stress --test system_calls
echo '-- POOL_BACKEND=portable'
POOL_BACKEND=portable cargo test --locked --release -p tests
echo '-- POOL_BACKEND=off'
POOL_BACKEND=off cargo test --locked --release -p tests "${uncounted[@]}" --test backend --test unload_shared
echo '-- pool_portable, compiled'
RUSTFLAGS="--cfg pool_portable" cargo check --locked -p pool-runtime --target-dir target/portable
# A program that is linked statically finds restartable sequences otherwise.
echo '-- glibc, linked statically'
RUSTFLAGS="-C target-feature=+crt-static" CARGO_TARGET_DIR=target/static cargo test --locked --release \
  --target "$(rustc -vV | sed -n "s/^host: //p")" -p tests --test backend --test stress --test system_calls
echo '-- pool_chaos'
RUSTFLAGS="--cfg pool_chaos" CARGO_TARGET_DIR=target/chaos cargo test --locked --release -p tests "${uncounted[@]}"
