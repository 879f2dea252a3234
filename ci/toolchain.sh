#!/usr/bin/env bash
# Installs the toolchain of rust-toolchain.toml, where the machine lacks it and its rustup does not do that by itself.
set -euo pipefail

if ! command -v rustup >/dev/null; then
  echo "rustup is needed: see https://rustup.rs" >&2
  exit 1
fi
cargo --version || rustup toolchain install
cargo clippy --version
cargo fmt --version
