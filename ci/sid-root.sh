#!/usr/bin/env bash
# Builds tests of this workspace for a virtual machine, in a root with Debian sid: sid has the newest glibc, and the packages that
# rustc needs to build for aarch64. If there is no root, the script makes it, in about four minutes and 2 GB.
#
#   ci/sid-root.sh ROOT ARCH OUT TEST…
#   ci/sid-root.sh ROOT                  makes the root alone
#
# ROOT  the root's folder. Not in a workspace
# ARCH  x86_64 or aarch64
# OUT   the folder for the test binaries, under the names of the tests, and for the library that `unload` loads
#
# Root must run it, for chroot, on Debian. The archive is that of this machine's apt.
set -euo pipefail

if (($# != 1 && $# < 4)); then
  echo 'usage: ci/sid-root.sh ROOT [ARCH OUT TEST…]' >&2
  exit 2
fi
root=$1

make_root() {
  if ! command -v debootstrap >/dev/null; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
  fi
  local archive
  archive=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk '$1 == "URIs:" { print $2; exit }')
  archive=${archive:-$(awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) { print $i; exit } }' /etc/apt/sources.list)}
  # An interrupted run may have left a part.
  rm -rf "$root"
  debootstrap --variant=minbase --arch=amd64 sid "$root" "$archive"
  # The machine's way to the archive: names, proxies, certificates.
  cp /etc/resolv.conf /etc/hosts "$root/etc/"
  cp -r /etc/ssl/certs "$root/etc/ssl/"
  cp /etc/apt/apt.conf.d/* "$root/etc/apt/apt.conf.d/"
  chroot "$root" dpkg --add-architecture arm64
  chroot "$root" apt-get update -qq
  chroot "$root" apt-get install -y -qq --no-install-recommends \
    rustc cargo gcc libc6-dev libstd-rust-dev:arm64 gcc-aarch64-linux-gnu libc6-dev-arm64-cross
  touch "$root/.ready"
}

if [[ ! -e $root/.ready ]]; then
  mkdir -p "$(dirname "$root")"
  make_root >"$root.log" 2>&1 || { tail -20 "$root.log" >&2; exit 1; }
fi

(($# > 1)) || exit 0
arch=$2 out=$3
shift 3

# The workspace as it is, without what git ignores, and the dependencies of its lock file: the root's cargo is offline.
cd "$(dirname "$0")/.."
source=$root/pool/source
rm -rf "$source"
mkdir -p "$source/.cargo"
git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- -cf - | tar -xf - -C "$source"
cargo vendor --locked --quiet --versioned-dirs --manifest-path "$source/Cargo.toml" "$root/pool/vendor" >/dev/null
cat >"$source/.cargo/config.toml" <<'TOML'
[source.crates-io]
replace-with = "vendored"
[source.vendored]
directory = "/pool/vendor"
[target.aarch64-unknown-linux-gnu]
linker = "aarch64-linux-gnu-gcc"
TOML

# Optimized, with debug assertions: these make the tests short, too, which is enough for an emulator.
printf -v tests ' --test %q' "$@"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
chroot "$root" env HOME=/root CARGO_TARGET_DIR=/pool/target CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true \
  CARGO_BUILD_TARGET="$arch-unknown-linux-gnu" RUSTFLAGS="${RUSTFLAGS:-}" sh -c "cd /pool/source &&
  cargo test --offline --locked --release --no-run -p tests-exact -p tests-always $tests &&
  cargo build --offline --locked --release -p tests-always --example plugin" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
mkdir -p "$out"
for test in "$@"; do
  path=$(sed -n "s|^ *Executable tests/$test\.rs (\(.*\))$|\1|p" "$log")
  cp "$root/${path#/}" "$out/$test"
done
# The library that the test `unload` loads.
cp "$root/pool/target/$arch-unknown-linux-gnu/release/examples/libplugin.so" "$out/"
