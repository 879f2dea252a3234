#!/usr/bin/env bash
# The libraries with the oldest compiler that they promise to build with: `rust-version` in Cargo.toml.
set -euo pipefail

version=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
# The tests are not for that compiler: ui-tests expects the messages of rust-toolchain.toml's compiler.
if ! rustup toolchain install "$version" --profile minimal --no-self-update; then
  echo "NOT CHECKED: rustup cannot install Rust $version: see above" >&2
  exit ${CI:+1}
fi
# A folder of its own, so that neither compiler builds the other's anew.
cargo "+$version" build --locked -p pool-runtime --all-features --target-dir target/msrv
