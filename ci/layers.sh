#!/usr/bin/env bash
# The runtime's folders are layers (docs/design.md): a file imports from its own layer and from lower layers, and no files but those of
# `typed` import each other in a circle. Prints each import that goes up, and each circle; exits with 1 if it prints any.
#
# An import is a path that begins with `crate::` or `super::`, at any place. A name that `lib.rs` exports again counts for the file
# that it comes from. Tests may import anything, and are not checked.
set -euo pipefail
cd "$(dirname "$0")/../pool-runtime/src"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# From the bottom.
layers='sync stats events reset machine slots sequence storage diagnose registry typed __derive collector lib'

# Each file's imports as `FILE PATH`, with a path without `crate::`.
imports() {
  find . -name '*.rs' ! -name lib.rs ! -name models.rs ! -path '*/tests/*' | sort | while read -r file; do
    file=${file#./}
    # A module names the modules inside of it without a prefix.
    if [[ $file == */mod.rs ]]; then
      { grep -oE '^(pub(\([a-z]+\))? )?use [a-z_]+::' "$file" || true; } | sed "s|.*use |$file ${file%/mod.rs}::|; s|::\$||"
    fi
    # Without comments, and without the tests at a file's end.
    awk '/^mod tests \{/ { exit } { sub(/(^|[^:])\/\/.*/, ""); print }' "$file" | tr '\n' ' ' |
      awk -v file="$file" '
        # Prints the paths of a tree `a::{b, c::{d}}`, one a line.
        function expand(prefix, text,   depth, part, i, c) {
          depth = 0; part = ""
          for (i = 1; i <= length(text); i++) {
            c = substr(text, i, 1)
            if (c == "," && depth == 0) { leaf(prefix, part); part = ""; continue }
            if (c == "{") depth++
            if (c == "}") depth--
            part = part c
          }
          if (part != "") leaf(prefix, part)
        }
        function leaf(prefix, part,   open) {
          open = index(part, "{")
          if (open) expand(prefix substr(part, 1, open - 1), substr(part, open + 1, length(part) - open - 1))
          else print file, prefix part
        }
        function base(times,   path) {
          path = file
          sub(/\.rs$/, "", path); sub(/\/mod$/, "", path)
          while (times-- > 0) if (!sub(/\/[^\/]*$/, "", path)) path = ""
          gsub(/\//, "::", path)
          return path == "" ? "" : path "::"
        }
        {
          rest = $0
          while (match(rest, /(crate|super)::/)) {
            head = substr(rest, RSTART, RLENGTH)
            rest = substr(rest, RSTART + RLENGTH)
            prefix = ""
            if (head == "super::") {
              times = 1
              while (sub(/^super::/, "", rest)) times++
              prefix = base(times)
            }
            if (rest ~ /^\{/) path = substr(rest, 1, closing(rest))
            else { match(rest, /^[A-Za-z0-9_:]*(\{)?/); path = substr(rest, 1, RLENGTH); if (path ~ /\{$/) path = substr(rest, 1, RLENGTH - 1) substr(rest, RLENGTH, closing(substr(rest, RLENGTH))) }
            gsub(/ /, "", path)
            if (path ~ /^\{/) expand(prefix, substr(path, 2, length(path) - 2)); else leaf(prefix, path)
          }
        }
        function closing(text,   depth, i, c) {
          for (i = 1; i <= length(text); i++) {
            c = substr(text, i, 1)
            if (c == "{") depth++
            if (c == "}" && --depth == 0) return i
          }
          return length(text)
        }'
  done
}

# The file that a path leads to: the longest part of the path that is a file's. A name that `lib.rs` exports again is looked up there first.
exported=$(tr '\n' ' ' <lib.rs | grep -oE 'pub use [a-z_:]+::(\{[^}]*\}|[A-Za-z_]+)' | sed 's/pub use //; s/[{},]/ /g' |
  awk '{ path = $1; n = NF; if (n == 1) { name = path; sub(/.*::/, "", name); sub(/::[^:]*$/, "", path); print name, path } else for (i = 2; i <= n; i++) print $i, path }' | sed 's/::$//')
imports | awk -v exported="$exported" '
  BEGIN {
    n = split(exported, line, "\n")
    for (i = 1; i <= n; i++) { split(line[i], word, " "); sub(/::$/, "", word[2]); from[word[1]] = word[2] }
    while (("find . -name \"*.rs\"" | getline file) > 0) { sub(/^\.\//, "", file); exists[file] = 1 }
  }
  {
    path = $2
    first = path; sub(/::.*/, "", first)
    if (first in from) path = from[first] "::" path
    gsub(/::/, "/", path)
    while (path != "") {
      if ((path ".rs") in exists) { print $1, path ".rs"; next }
      if ((path "/mod.rs") in exists) { print $1, path "/mod.rs"; next }
      if (!sub(/\/[^\/]*$/, "", path)) path = ""
    }
  }' | awk '$1 != $2' | sort -u >"$scratch/arrows"

bad=0
awk -v layers="$layers" '
  function layer(file) { sub(/\/.*/, "", file); sub(/\.rs$/, "", file); return file }
  BEGIN { n = split(layers, word, " "); for (i = 1; i <= n; i++) rank[word[i]] = i }
  {
    from = layer($1); to = layer($2)
    if (!(from in rank)) { print "no layer is known for " $1; bad = 1 }
    else if (rank[to] > rank[from]) { print $1 " imports from " $2 ", which is above it"; bad = 1 }
  }
  END { exit bad }' "$scratch/arrows" || bad=1

# The three files of `typed` name each other by nature: a trait whose methods return the guard, and a guard that is bounded by the trait.
if ! grep -v '^typed/[a-z]*\.rs typed/' "$scratch/arrows" | tsort >/dev/null 2>"$scratch/circles"; then
  echo 'these files import each other in a circle:'
  sed -n 's/^tsort: \(.*\.rs\)$/  \1/p' "$scratch/circles"
  bad=1
fi
exit "$bad"
