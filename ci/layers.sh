#!/usr/bin/env bash
# The runtime's folders are layers (docs/design.md): a file imports from its own layer and from lower ones. Prints each import that
# goes up and is not known below, and each that is known and is there no more; exits with 1 if there is one.
set -euo pipefail
cd "$(dirname "$0")/../pool-runtime/src"

# From the bottom. What `lib.rs` exports again counts for where it comes from.
layers='
1 sync reset Reset LimitCapacity HeapBytes
2 stats
3 machine Backend Reason backend
4 slots
5 storage
6 registry age collect
7 typed Guard OnPanic Pool Pooled
8 __derive collector Collector metrics publish_metrics publish_metrics_as
9 lib
'

# What goes up still: file, and layer that it imports from. Tests may look at anything, and are not asked.
known='
machine/no_rseq.rs slots
machine/rseq.rs slots
machine/rseq_aarch64.rs slots
machine/rseq_x86_64.rs slots
stats.rs slots
stats.rs storage
storage/live.rs registry
storage/store.rs registry
'

find . -name '*.rs' ! -name models.rs ! -path '*/tests/*' | sort | while read -r file; do
  # Without comments, and without the tests at a file's end.
  awk '/^#\[cfg\(all\(test|^#\[cfg\(test\)\]/ { exit } { sub(/(^|[^:])\/\/.*/, ""); print }' "$file" |
    tr '\n' ' ' | { grep -oE 'crate::(\{[^}]*\}|[A-Za-z_]+)' || true; } | sed 's/crate:://; s/[{} ]//g' | tr ',' '\n' | sed 's/::.*//' | sort -u |
    sed "s|^|${file#./} |"
done | awk -v layers="$layers" -v known="$known" '
  BEGIN {
    n = split(layers, line, "\n")
    for (i = 1; i <= n; i++) { m = split(line[i], word, " "); for (j = 2; j <= m; j++) rank[word[j]] = word[1] }
    n = split(known, line, "\n")
    for (i = 1; i <= n; i++) if (line[i] != "") expected[line[i]] = 1
  }
  {
    split($1, path, "/")
    layer = path[1]; sub(/\.rs$/, "", layer)
    if (!(layer in rank)) { print "no layer is known for " $1; bad = 1; next }
    if (!($2 in rank) || rank[$2] <= rank[layer]) next
    if ($0 in expected) { seen[$0] = 1; next }
    print $1 " imports from " $2 ", which is above it"
    bad = 1
  }
  END {
    for (arrow in expected) if (!(arrow in seen)) { print "known, and there no more: " arrow; bad = 1 }
    exit bad
  }'
