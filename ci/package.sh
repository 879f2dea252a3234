#!/usr/bin/env bash
# The two packages, ready to be published: each has the README, the changelog and the licences, and a program that depends on
# the packaged files alone builds and runs. Works offline, once `cargo fetch` has been run.
#
#   ci/package.sh [--release]
#
# --release  also checks the needs of a release that a change does not have: an address of the repository, a section of the
#            changelog for the version, a clean work tree, and the registry's word (`cargo publish --dry-run`)
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
release=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A folder of its own: an unpacked package is another package than the folder that it is from.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}/package-check
value() { sed -n "s/^$1 = \"\(.*\)\"\$/\1/p" Cargo.toml | head -n 1; }
version=$(value version)

wrong=0
fail() { echo "$*" >&2; wrong=1; }

for key in repository homepage; do
  address=$(value "$key")
  case $address in
    http*.invalid | http*.invalid/*)
      echo "$key is \`$address\`, which stands for an address that is not known yet: fill it in in Cargo.toml before a release"
      [[ $release != --release ]] || wrong=1 ;;
    https://?*) ;;
    *) fail "$key is \`$address\` in Cargo.toml: expected an address that begins with https://" ;;
  esac
done
if [[ $release == --release ]]; then
  grep -q "^## \[$version\] - " CHANGELOG.md || fail "CHANGELOG.md has no section \`## [$version] - DATE\`"
  [[ -z $(git status --porcelain) ]] || fail 'the work tree is not clean: commit first, so that the package says which commit it is'
  ((wrong == 0)) || exit 1
fi

# --no-verify: the program below is built from the same files. --allow-dirty: a change is tried before it is committed.
cargo package --quiet --locked --no-verify --allow-dirty -p pool-macros -p pool-runtime
for package in pool-macros pool-runtime; do
  tar -xzf "$CARGO_TARGET_DIR/package/$package-$version.crate" -C "$work"
  unpacked=$work/$package-$version
  for file in README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT; do
    cmp -s "$file" "$unpacked/$file" || fail "the package $package has no $file, or another one"
  done
  [[ -z $(find "$unpacked" -type l) ]] || fail "the package $package has symbolic links, which mean nothing where it is unpacked"
  for key in repository homepage documentation readme keywords categories license rust-version; do
    grep -q "^$key = " "$unpacked/Cargo.toml" || fail "the manifest of the package $package has no $key"
  done
done
((wrong == 0)) || exit 1

# The quickstart, on the packages and on nothing else of this folder. Other packages have the versions of our own lock file.
mkdir -p "$work/program/src"
cp examples/quickstart.rs "$work/program/src/main.rs"
cp Cargo.lock "$work/program/"
cat >"$work/program/Cargo.toml" <<MANIFEST
[package]
name = "program"
version = "0.0.0"
edition = "2024"

[workspace]

[dependencies]
pool-runtime = { path = "../pool-runtime-$version" }

[patch.crates-io]
pool-macros = { path = "../pool-macros-$version" }
MANIFEST
(cd "$work/program" && cargo metadata --offline --format-version 1 >/dev/null && cargo run --quiet --locked --offline)
echo "a program that depends on the packages has $(grep -c '^\[\[package\]\]' "$work/program/Cargo.lock") packages in its lock file"

if [[ $release == --release ]]; then
  cargo publish --dry-run --locked -p pool-macros -p pool-runtime
fi
