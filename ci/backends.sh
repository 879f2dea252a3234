#!/usr/bin/env bash
# The tests again, with the switches that change a pool's work. The tests in tests/always hold also if a pool keeps no object, or
# drops at random.
set -euo pipefail

both=(-p tests-exact -p tests-always)
# The sleep of the collector's thread, twice twenty seconds, knows no backend: ci/test.sh has counted its wake-ups.
but=(-- --skip an_idle_collector_sleeps --skip it_wakes_up_for_its_interval)

# ci/test.sh runs them without a switch: on restartable sequences if the machine has them.
echo '-- POOL_BACKEND=rseq-cpu'
POOL_BACKEND=rseq-cpu cargo test --locked --release "${both[@]}" "${but[@]}"
# The portable backend, found another way.
echo '-- glibc.pthread.rseq=0'
GLIBC_TUNABLES=glibc.pthread.rseq=0 cargo test --locked --release "${both[@]}" --test backend --test exactly_once --test stress --test system_calls
echo '-- POOL_BACKEND=portable'
POOL_BACKEND=portable cargo test --locked --release "${both[@]}" "${but[@]}"
echo '-- POOL_BACKEND=off'
POOL_BACKEND=off cargo test --locked --release -p tests-always
# This test sets the variable in children of its own.
POOL_BACKEND=off cargo test --locked --release -p tests-exact --test backend
echo '-- pool_portable, compiled'
RUSTFLAGS="--cfg pool_portable" cargo check --locked -p pool-runtime --target-dir target/portable
# A program that is linked statically finds restartable sequences in another way.
echo '-- glibc, linked statically'
RUSTFLAGS="-C target-feature=+crt-static" CARGO_TARGET_DIR=target/static cargo test --locked --release \
  --target "$(rustc -vV | sed -n "s/^host: //p")" "${both[@]}" --test backend --test stress --test system_calls
echo '-- pool_chaos'
RUSTFLAGS="--cfg pool_chaos" CARGO_TARGET_DIR=target/chaos cargo test --locked --release -p tests-always
