#!/usr/bin/env bash
# Installs what the other scripts need, at fixed versions, where the machine lacks it.
set -euo pipefail

# The toolchain that the expected compiler messages in ui-tests belong to.
toolchain=1.95.0

if ! command -v rustup >/dev/null; then
  echo "rustup is needed: see https://rustup.rs" >&2
  exit 1
fi
rustup toolchain list | grep -q "^$toolchain" ||
  rustup toolchain install "$toolchain" --profile minimal --component clippy --component rustfmt
cargo "+$toolchain" --version
