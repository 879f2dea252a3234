#!/usr/bin/env bash
# The cost of the derive for a debug build: a program of 200 types without it, with it (each acquired once), and, for scale, with
# `#[derive(Clone, Debug)]` (each used once). Prints seconds of wall-clock and of processor time, the least of three builds
# each; then a build of the two crates from nothing. With --check, fails if the derive takes more than 2 s or the crates more than 15 s.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CARGO_TARGET_DIR=$work/target
cp "$root/Cargo.lock" rust-toolchain.toml "$work/"
mkdir "$work/src"

cat >"$work/Cargo.toml" <<EOF
[package]
name = "types"
edition = "2024"

[workspace]

[dependencies]
pool-runtime = { path = "$root/pool-runtime" }
EOF

# types <derives> <a statement about {}>: writes the program.
types() {
  {
    echo '#![allow(dead_code)]'
    for i in $(seq 200); do
      printf '#[derive(%s)]\nstruct T%d { bytes: Vec<u8>, text: String, count: u64, next: Option<u32> }\n' "$1" "$i"
    done
    echo 'fn main() {'
    for i in $(seq 200); do echo "    ${2//\{\}/T$i};"; done
    echo '}'
  } >"$work/src/main.rs"
}

# seconds <command..>: the least wall-clock and processor time of three runs.
seconds() {
  local TIMEFORMAT='%R %U %S'
  for _ in 1 2 3; do
    touch "$work/src/main.rs"
    { time "$@" >"$work/log" 2>&1; } 2>&1 || { cat "$work/log" >&2; exit 1; }
  done | awk '{ c = $2 + $3; if (NR == 1 || $1 < w) w = $1; if (NR == 1 || c < p) p = c } END { printf "%.2f %.2f", w, p }'
}

# Builds the program with nothing left of its last build.
build() { rm -rf "$work/target/debug/incremental" && (cd "$work" && cargo build --quiet); }
from_nothing() { rm -rf "$work/target" && (cd "$root" && cargo build --quiet --locked -p pool-runtime); }

types Default 'drop(Box::new({}::default()))'
build
without=$(seconds build)
types 'Default, Clone, Debug' 'let x = {}::default(); drop(Box::new(x.clone())); format!("{x:?}")'
standard=$(seconds build)
types 'Default, pool_runtime::Pooled' 'drop(<{} as pool_runtime::Pooled>::acquire())'
pooled=$(seconds build)
(cd "$root" && cargo fetch --quiet --locked)
nothing=$(seconds from_nothing)

awk -v a="$without" -v b="$standard" -v c="$pooled" -v d="$nothing" -v check="${1:-}" 'BEGIN {
  split(a, w); split(b, s); split(c, p); split(d, n)
  printf "%-40s %8s %10s\n", "debug build of 200 types", "wall, s", "processor, s"
  printf "%-40s %8.2f %10.2f\n", "without", w[1], w[2]
  printf "%-40s %8.2f %10.2f\n", "derive(Clone, Debug) adds", s[1] - w[1], s[2] - w[2]
  printf "%-40s %8.2f %10.2f\n", "derive(Pooled) adds", p[1] - w[1], p[2] - w[2]
  printf "%-40s %8.2f %10.2f\n", "the two crates from nothing", n[1], n[2]
  exit check == "--check" && (p[1] - w[1] > 2 || n[1] > 15)
}'
