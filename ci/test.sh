#!/usr/bin/env bash
# The README's test command: the line behind the marker, so that the two cannot differ.
set -euo pipefail

command=$(grep -A3 '<!-- test -->' README.md | grep '^cargo test')
echo "$command"
$command
# The stress tests, with the iterations of a release build.
cargo test --locked --release -p tests-exact -p tests-always
# What only a feature has.
cargo test --locked --release -p tests-exact --features hits --test statistics_hits
