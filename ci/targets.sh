#!/usr/bin/env bash
# The runtime compiles without a warning for other systems and processors: at least one target for each system, word size,
# byte order and C library that the code or its dependencies tell apart. The script runs nothing.
#
#   ci/targets.sh [TARGET…]
#
# TARGET  these targets alone; `all` for every target with a std that rustup offers and can install
set -euo pipefail

targets=(
  aarch64-apple-darwin aarch64-linux-android aarch64-unknown-linux-gnu aarch64-unknown-linux-musl
  armv7-unknown-linux-gnueabihf i686-unknown-linux-gnu i686-unknown-linux-musl powerpc-unknown-linux-gnu
  powerpc64le-unknown-linux-gnu riscv64gc-unknown-linux-gnu s390x-unknown-linux-gnu wasm32-unknown-unknown wasm32-wasip1
  x86_64-pc-windows-gnu x86_64-pc-windows-msvc x86_64-unknown-freebsd x86_64-unknown-linux-musl
)
(($# == 0)) || targets=("$@")
if [[ ${targets[*]} == all ]]; then
  # A target that is called `none` has no std.
  mapfile -t targets < <(rustup target list | sed 's/ (.*//' | grep -v -e none -e nvptx)
fi

added=() absent=()
for target in "${targets[@]}"; do
  if rustup target list --installed | grep -qx "$target" || rustup target add "$target" >/dev/null 2>&1; then
    added+=(--target "$target")
  else
    absent+=("$target")
  fi
done
# A folder of its own: with the flags cargo would build everything anew. One cargo for all builds macros and build scripts once.
if ((${#added[@]})); then
  RUSTFLAGS="-D warnings" cargo check --locked -p pool-runtime --target-dir "${CARGO_TARGET_DIR:-target}/targets" "${added[@]}"
fi
echo "$((${#added[@]} / 2)) targets checked"
if ((${#absent[@]})); then
  echo "NOT CHECKED: rustup cannot install ${absent[*]}: see what \`rustup target add ${absent[0]}\` says" >&2
  [[ -z ${CI:-} || ${1:-} == all ]]
fi
