#!/usr/bin/env bash
# The burden of a program that depends on pool-runtime: no more than 24 packages in its lock file, itself included, and no
# package by which a package that uses the pool could come to depend on itself. Works offline, once `cargo fetch` has been run.
set -euo pipefail
cd "$(dirname "$0")/.."

most=24
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo fetch --locked --quiet || echo 'ci/lock-file.sh: nothing can be fetched: it goes on with what is there' >&2

# package <folder> <name> <version> <more lines of its manifest…>
package() {
  mkdir -p "$1/src"
  : >"$1/src/lib.rs"
  printf '%s\n' '[package]' "name = \"$2\"" "version = \"$3\"" 'edition = "2024"' "${@:4}" >"$1/Cargo.toml"
}

# Resolves to the versions of our own lock file: cargo keeps the entries that it finds there, and removes those that are not used.
resolve() {
  cp "$root/Cargo.lock" "$1/Cargo.lock"
  (cd "$1" && cargo metadata --offline --format-version 1) >"$work/metadata" 2>"$work/log"
}

package "$work/bare" bare 0.0.0 '[workspace]' '[dependencies]' "pool-runtime = { path = \"$root/pool-runtime\" }"
resolve "$work/bare" || { cat "$work/log" >&2; exit 1; }
count=$(grep -c '^\[\[package\]\]' "$work/bare/Cargo.lock")
echo "a bare user's lock file has $count packages, of $most"
if ((count > most)); then
  sed -n 's/^name = "\(.*\)"$/  \1/p' "$work/bare/Cargo.lock" >&2
  echo "remove a dependency of pool-runtime, or make it a dev-dependency: \`cargo tree -p pool-runtime --edges normal,build --target all\`" >&2
  exit 1
fi

# The shape of regex-automata with this pool in it: loom has tracing-subscriber, which has matchers, which has regex-automata.
# Here the package `pattern` uses the pool, and `matchers` is replaced by a package that uses `pattern`.
matchers=$(grep -A1 '^name = "matchers"$' Cargo.lock | sed -n 's/^version = "\(.*\)"$/\1/p')
# cycle <folder> <pool-runtime's folder>
cycle() {
  package "$1/pattern" pattern 0.0.0 '[dependencies]' "pool-runtime = { path = \"$2\" }"
  package "$1/matchers" matchers "$matchers" '[dependencies]' 'pattern = { path = "../pattern" }'
  package "$1" program 0.0.0 '[workspace]' '[dependencies]' 'pattern = { path = "pattern" }' \
    '[patch.crates-io]' 'matchers = { path = "matchers" }'
  resolve "$1"
}
cycle "$work/cycle" "$root/pool-runtime" || {
  cat "$work/log" >&2
  echo 'a package that uses the pool, and that a dependency of the pool uses, cannot be built: make that one a dev-dependency' >&2
  exit 1
}

# The script would see a cycle: with loom as a dependency, under any flag, cargo refuses.
mkdir "$work/with-loom"
cp -r Cargo.toml pool-macros pool-runtime "$work/with-loom/"
sed -i -e 's/^members = .*/members = ["pool-macros", "pool-runtime"]/' -e '/^exclude = /d' "$work/with-loom/Cargo.toml"
sed -i "s/^\[target\.'cfg(pool_loom)'\.dev-dependencies\]/[target.'cfg(pool_loom)'.dependencies]/" "$work/with-loom/pool-runtime/Cargo.toml"
if cycle "$work/cycle-with-loom" "$work/with-loom/pool-runtime" || ! grep -q 'cyclic package dependency' "$work/log"; then
  cat "$work/log" >&2
  echo 'ci/lock-file.sh cannot see a cycle any more: loom has other dependencies; name one of them in place of `matchers`' >&2
  exit 1
fi
echo 'a package that uses the pool, and that loom uses, resolves'
