#!/usr/bin/env bash
# Checks that the version in Cargo.toml is high enough for the changes since the last release: cargo-semver-checks compares the public
# API with that of a git revision. No part of .ci/run: the tool has 400 packages to build, for more than 20 minutes on two cores. CI has
# ci/signatures.txt (ci/api.sh) in its place, and the release checklist (docs/release.md) runs this.
#
#   ci/semver.sh [REVISION]
#
# REVISION  the revision to compare with: default the newest tag `v*`. Before the first release there is no tag, and every change is
#           allowed: `ci/semver.sh main` then shows the changes of a branch.
set -euo pipefail
cd "$(dirname "$0")/.."

tool=0.51.0
tools=${CARGO_TARGET_DIR:-$PWD/target}/tools
revision=${1:-$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || true)}
if [[ -z $revision ]]; then
  echo 'no release has been made: nothing to compare with. `ci/semver.sh REVISION` compares with any revision'
  exit 0
fi
git rev-parse --verify --quiet "$revision^{commit}" >/dev/null || { echo "git knows no revision \`$revision\`" >&2; exit 1; }

# A debug build compiles in a fraction of the time, and is fast enough.
export PATH="$tools/bin:$PATH"
if ! cargo semver-checks --version 2>/dev/null | grep -qF " $tool"; then
  cargo install --quiet --locked --debug "cargo-semver-checks@$tool" --root "$tools"
fi
# pool-macros has no items but its derives, which the tool cannot compare: docs/api.md lists their keys.
cargo semver-checks --package pool-runtime --all-features --baseline-rev "$revision"
