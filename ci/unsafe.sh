#!/usr/bin/env bash
# docs/unsafe.md names each file with unsafe code, the number of its unsafe blocks, and the tests that fail if a block is wrong. The script
# prints each disagreement with the source and exits with 1. The compiler checks that no other file has unsafe code (`unsafe_code` is denied).
set -euo pipefail
cd "$(dirname "$0")/.."

page=docs/unsafe.md
source=pool-runtime/src
bad=0

say() {
  echo "$page: $1" >&2
  bad=1
}

# FILE NUMBER, of the page and of the source. Tests at a file's end are not counted.
listed=$(sed -nE 's/^\| `([a-z0-9_/]+\.rs)` \| ([0-9]+) \|.*/\1 \2/p' "$page" | awk '{ sum[$1] += $2 } END { for (file in sum) print file, sum[file] }' | sort)
counted=$(grep -rl --include '*.rs' 'allow(unsafe_code' "$source" | sort | while read -r file; do
  number=$(awk '/^(pub\(crate\) )?mod tests \{/ { exit } { sub(/(^|[^:])\/\/.*/, ""); print }' "$file" | { grep -oE 'unsafe \{' || true; } | wc -l)
  echo "${file#"$source"/} $number"
done)
while read -r sign line; do
  case $sign in
  '<') say "\`$line\` is not so in the source" ;;
  '>') say "the source has \`$line\`" ;;
  esac
done < <(diff <(echo "$listed") <(echo "$counted") || true)

# The names in the last column.
while read -r name; do
  case $name in
  'mutant: '*) grep -q "^\(POOL_BACKEND=[a-z-]* \)\?mutant ${name#mutant: } " ci/mutations.sh || say "there is no mutation \`${name#mutant: }\`" ;;
  *.rs | */*) [[ -e $name || -e $source/$name || -n $(git ls-files "tests/*/$name") ]] || say "there is no file \`$name\`" ;;
  ci/*) [[ -e $name ]] || say "there is no file \`$name\`" ;;
  *) grep -rqE "fn $name\b" "$source" tests || say "there is no test \`$name\`" ;;
  esac
done < <(grep '^| `' "$page" | awk -F' \\| ' '{ print $NF }' | grep -oE '`[^`]+`' | tr -d '`' | grep -vxE 'clear|inject' | sort -u)
exit "$bad"
