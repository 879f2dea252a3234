#!/usr/bin/env bash
# The libraries with the oldest versions of their direct dependencies that Cargo.toml allows: all features build, and the tests
# that use these dependencies pass. A requirement that is too low fails here; a requirement that is higher than it need be makes
# a user update.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A copy without the packages that are not for users, whose dependencies would have a say.
cp -r pool-macros pool-runtime tests rust-toolchain.toml "$work/"
sed -e 's|^members = .*|members = ["pool-macros", "pool-runtime", "tests/lib", "tests/exact", "tests/always"]|' -e '/^exclude = /d' Cargo.toml >"$work/Cargo.toml"
# A folder of its own: no other step has these versions.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}/minimal-versions
cd "$work"

# The option is unstable, and RUSTC_BOOTSTRAP has a stable cargo take it. For this command alone: build scripts that see the
# variable use unstable features, too.
if ! RUSTC_BOOTSTRAP=1 cargo generate-lockfile -Z direct-minimal-versions 2>"$work/log"; then
  cat "$work/log" >&2
  if grep -q 'failed to select a version' "$work/log"; then
    echo 'a requirement in Cargo.toml is lower than another dependency allows: raise it to the version named above' >&2
    exit 1
  fi
  echo 'NOT CHECKED: the old versions are fetched from the registry: run this where it can be reached' >&2
  exit ${CI:+1}
fi
sed -n 's/^ *Adding \(.*\) (available.*/\1/p' "$work/log"

cargo check --locked --quiet -p pool-runtime --all-features
cargo check --locked --quiet -p pool-runtime --no-default-features
# The tests and the examples of the documentation call `Bytes::from_owner`, which is of this version. The runtime does not.
cargo update --quiet bytes --precise 1.9.0
cargo test --locked -p pool-runtime --lib -p tests-exact -p tests-always --test collect --test derive --test derive_zeroize --test fork --test go \
  --test guard --test guard_traits --test registry --test reset_crates --test statistics_published
cargo test --locked -p tests-exact --features diagnose,tracing --test tracing
