#!/usr/bin/env bash
# Formatting, the layers, the page about unsafe code, the places of mutations, clippy, rustdoc and the pages; each warning is an error.
set -euo pipefail

cargo fmt --all --check
ci/layers.sh
ci/unsafe.sh
ci/mutations.sh check
# --locked: the lock file is part of the change.
cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
# The runtime without its derive.
cargo clippy --locked -p pool-runtime --no-default-features -- -D warnings
# The runtime with each of its features alone.
for feature in arrayvec bytes derive diagnose hashbrown heapless indexmap metrics serde smallvec stable_deref_trait tracing zeroize; do
  cargo clippy --locked -p pool-runtime --no-default-features --features "$feature" -- -D warnings
done
RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --all-features
# Behind rustdoc, whose pages the links lead to.
ci/pages.sh
