#!/usr/bin/env bash
# The benchmark, for a few seconds: every contestant is checked, and every scenario runs once. The figures mean nothing.
# It is a debug build: ci/test.sh has compiled most of it.
set -euo pipefail

cargo run --locked -p benches -- --quick
