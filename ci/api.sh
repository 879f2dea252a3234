#!/usr/bin/env bash
# docs/api.md has a row for each public item and a name for each of its members, and no others: the script compares the tables with
# rustdoc's pages, with the derive's keys, the features, and the items that are hidden from the documentation. And ci/signatures.txt
# has the declaration of each, and the traits that each type has: no signature changes unless that file does.
#
#   ci/api.sh [--write]
#
# --write  writes ci/signatures.txt anew. Read what has changed as a user would: a line that goes or changes breaks a program
set -euo pipefail
cd "$(dirname "$0")/.."

RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked -p pool-runtime --no-deps --all-features
pages=${CARGO_TARGET_DIR:-target}/doc/pool_runtime
runtime=pool-runtime/src

# Names after a first word, one a line: `Guard: into_inner`. The word alone is the item itself.
members() { echo "$1"; sed "s/^/$1: /"; }

items() {
  grep -oE 'href="[^"]*(struct|enum|trait|fn|derive|macro|type|constant|static|union|attr)\.[^"]*\.html"' "$pages/all.html" | cut -d '"' -f 2
}

documented() {
  items |
    while read -r page; do
      item=$(sed -E 's/(derive)\.(.*)\.html/\1(\2)/; s/[a-z]+\.([A-Za-z_]+)\.html/\1/; s|/|::|g' <<<"$page")
      # The item's own members: not those of a type that it dereferences to, nor of traits.
      sed -E 's/<h2 id="(deref-methods|trait-impl|synthetic-impl|blanket-impl|foreign-impl|implementors)/\n@@\n/g' "$pages/$page" |
        sed '/^@@$/,$d' | { grep -oE 'id="(method|tymethod|associatedconstant|associatedtype|variant|structfield)\.[A-Za-z_0-9]+"' || true; } |
        sed -E 's/.*\.([A-Za-z_0-9]+)"/\1/' | members "$item"
    done
  keys() { sed -n "/^const $1_KEYS/,/;\$/p" pool-macros/src/keys.rs | grep -oE '\("[a-z_]+", "' | tr -dc 'a-z_\n' | members "keys on a $2"; }
  keys TYPE type
  keys FIELD field
  keys VARIANT variant
  grep -oE 'id="reexport\.[A-Za-z_]+"' "$pages/index.html" | sed -E 's/.*\.(.*)"/\1/' | members re-exports
  # A page is a module without items.
  modules=$(grep -oE 'class="mod" href="[^"]*/index.html"' "$pages/index.html" | cut -d '"' -f 4 | xargs -n 1 dirname)
  is_page() { grep -q "^pub mod $1 {}\$" $runtime/lib.rs; }
  for module in $modules; do is_page "$module" || echo "$module"; done | members modules
  for module in $modules; do ! is_page "$module" || echo "$module"; done | members pages
  sed -n '/^\[features\]/,/^$/p' pool-runtime/Cargo.toml | grep -oE '^[a-z_]+ =' | tr -d ' =' | members features
  hidden
}

# Of each page the declaration of the item, of its own members, and the heads of its implementations: each in a line, as text. Without
# what a type dereferences to, what every type has, and the traits that are the compiler's own.
signatures() {
  items | sort | while read -r page; do
    echo "# ${page%.html}"
    tr '\n' ' ' <"$pages/$page" |
      sed -E 's/<(h2 id="|pre class="rust item-decl"|h[34] class="code-header")/\n<\1/g' |
      awk '
        /^<h2 id="/ { section = $0; sub(/^<h2 id="/, "", section); sub(/".*/, "", section); next }
        section ~ /^(deref-methods|blanket-implementations)/ { next }
        section ~ /(trait-|synthetic-)implementations|implementors|foreign-impls/ && /^<h4/ { next }
        /^<(pre|h[34])/ { sub(/<\/(pre|h[34])>.*/, ""); print }' |
      sed -E 's/<br>|<div class="where">/ /g; s/<summary[^>]*>([^<]|<span>)*<\/summary>//g; s/<[^>]*>//g
        s/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&#39;/'"'"'/g; s/&nbsp;/ /g; s/&amp;/\&/g; s/ +/ /g; s/^ | $//g' |
      sed -E '/^impl.* (Freeze|StructuralPartialEq|UnsafeUnpin) for /d'
  done
}

# The first item behind each `#[doc(hidden)]`: the last part of its name.
hidden() {
  find $runtime pool-macros/src -name '*.rs' -print0 | sort -z | xargs -0 awk '
    /#\[doc\(hidden\)\]/ { wanted = 1; next }
    wanted && match($0, /(mod|use|trait|fn|struct|enum|const|static|type|macro_rules!) +[A-Za-z_:0-9]+/) {
      name = substr($0, RSTART, RLENGTH); sub(/.*[ :]/, "", name); print "hidden " name; wanted = 0
    }'
}

# The rows of the tables in the form of `documented`. The path of a hidden item is for the reader.
written() {
  awk -F '|' '
    /^## /  { is_hidden = /^## Hidden/ }
    /^\| (item|---)/ || !/^\|/ || /^\|-/ { next }
    {
      item = $2; gsub(/^ +| +$|`/, "", item)
      if (is_hidden) { sub(/.*::/, "", item); print "hidden " item; next }
      print item
      n = split($3, names, ",")
      for (i = 1; i <= n; i++) { gsub(/[ `]/, "", names[i]); if (names[i] != "") print item ": " names[i] }
    }' docs/api.md
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
written | sort >"$work/written"
documented | sort >"$work/documented"
if ! diff "$work/written" "$work/documented" >"$work/difference"; then
  sed -n 's/^< /docs\/api.md names what is not there: /p; s/^> /docs\/api.md does not name: /p' "$work/difference" >&2
  exit 1
fi
echo "docs/api.md names all of $(wc -l <"$work/written") items and members"

if [[ ${1:-} == --write ]]; then
  signatures >ci/signatures.txt
fi
if ! diff -U 0 --label 'ci/signatures.txt' ci/signatures.txt --label 'the source' <(signatures) >"$work/difference"; then
  cat "$work/difference" >&2
  echo 'the public interface has changed: `ci/api.sh --write` writes it down. A line that goes or changes needs a new minor version' >&2
  exit 1
fi
echo "ci/signatures.txt has all of $(grep -vc '^#' ci/signatures.txt) signatures"
