#!/usr/bin/env bash
# Installs the toolchain of rust-toolchain.toml, if the machine lacks it and its rustup does not do that by itself, and
# valgrind, if that is easy.
set -euo pipefail

if ! command -v rustup >/dev/null; then
  echo "rustup is needed: see https://rustup.rs" >&2
  exit 1
fi
cargo --version || rustup toolchain install
cargo clippy --version
cargo fmt --version

# ci/instructions.sh counts with valgrind, and says so if it is missing.
if ! command -v valgrind >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  apt-get install --yes --no-install-recommends valgrind || echo "valgrind cannot be installed here"
fi
