#!/usr/bin/env bash
# Counts the instructions of a pair of acquire and release, and of a reset that the derive wrote, and compares the counts with
# ci/instructions.txt. Valgrind has no restartable sequences, so the pair is the portable backend's.
set -euo pipefail

margin=2 # per cent: the compiler is pinned and the counts do not vary; a reset that is done twice makes 4.6 % of a pair

if ! command -v valgrind >/dev/null; then
  echo 'NOT CHECKED: there is no valgrind: `apt-get install valgrind`' >&2
  exit ${CI:+1}
fi
cargo build --locked --release -p instructions
program=${CARGO_TARGET_DIR:-target}/release/instructions

count() { # what, how often
  POOL_BACKEND=portable valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 |
    sed -n 's/.*Collected : *//p'
}

bad=0
while read -r what expected; do
  # The difference of two runs is the loop alone.
  few=$(count "$what" 10000)
  many=$(count "$what" 20000)
  counted=$(((many - few) / 10000))
  echo "$what: $counted instructions, expected $expected"
  if ((counted * 100 > expected * (100 + margin) || counted * 100 < expected * (100 - margin))); then
    echo "$what: more than $margin % off; see ci/instructions.txt" >&2
    bad=1
  fi
done < <(grep -v '^#' ci/instructions.txt)
exit "$bad"
