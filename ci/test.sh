#!/usr/bin/env bash
# Runs the README's test command: the line behind the marker, so that README and script cannot differ.
set -euo pipefail

command=$(grep -A3 '<!-- test -->' README.md | grep '^cargo test')
echo "$command"
$command
# The stress tests, with the iterations of a release build. ci/backends.sh has all others, in a release build, too.
cargo test --locked --release -p tests-always
cargo test --locked --release -p tests-exact --test backend --test handoff --test model --test owned_memory --test slots
# The tests of the features `hits`, `diagnose` and `tracing`.
cargo test --locked --release -p tests-exact --features hits --test statistics_hits
cargo test --locked --release -p tests-exact --features diagnose --test diagnose --test diagnose_signals
cargo test --locked --release -p tests-exact --features diagnose,tracing --test tracing
