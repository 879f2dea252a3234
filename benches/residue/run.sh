#!/usr/bin/env bash
# What is resident after three bursts of 128 MiB and 3 s of silence, with a collector at 100 ms and nothing idle: the table in docs/performance/tables.md.
# `run.sh cgroup` runs the program of tests/exact/tests/cgroup.rs with each: short of memory in 96 MiB, it gets back what its pool has dropped. `run.sh check` fails if what gives it back leaves more than it is to leave.
set -euo pipefail
cd "$(dirname "$0")"

cargo build --release --locked --target-dir ../../target/residue 1>&2
echo '| allocator | objects, threads | MiB without | | MiB with it |'
echo '|---|---|--:|---|--:|'
for allocator in glibc jemalloc mimalloc; do
  ../../target/residue/release/$allocator "$@"
done
