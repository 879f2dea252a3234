#!/usr/bin/env bash
# README.md and the pages in pool-runtime/docs read alike on GitHub and on docs.rs, and links of the other documents lead somewhere. Prints
# each fault, and exits with 1 if it prints any:
#
# - an example has a hidden line (`# `), which GitHub shows
# - a link leads to a path of Rust, or to a file or heading that is not there
# - a link has no definition, or rustdoc would not find it: its label is missing in pool-runtime/src/links.md
# - an address of docs.rs has no page in target/doc, if `cargo doc` has made it
# - an example of a page that is no doc test is not in a program of ours. Its paragraphs have to be in one program, in their order
set -euo pipefail
cd "$(dirname "$0")/.."

folder=pool-runtime/docs
links=pool-runtime/src/links.md
pages=(README.md CONTRIBUTING.md docs/*.md docs/performance/*.md "$folder"/*.md)
# The pages that are hidden from `doctest`, and the programs that have their examples.
quoted=$(grep -A2 -F '#[cfg(all(doc, not(doctest)))]' pool-runtime/src/lib.rs | sed -n 's|.*include_str!("../docs/\(.*\)").*|\1|p')
programs=(examples/recipes/{tests,examples}/*.rs benches/residue/*.rs)
doc=${CARGO_TARGET_DIR:-target}/doc
bad=0

say() {
  echo "$1" >&2
  bad=1
}

# The anchors of a page's headings, as GitHub and rustdoc make them.
anchors() {
  awk '/^```/ { code = !code } !code && /^#+ / { sub(/^#+ /, ""); print tolower($0) }' "$1" | sed -E 's/\[([^]]*)\](\([^)]*\)|\[[^]]*\])?/\1/g; s/[^a-z0-9 _-]//g; s/ /-/g'
}

for page in "${pages[@]}"; do
  # Hidden lines: in an example of Rust, `# ` or `#` alone.
  while read -r line; do
    say "$page:$line: a hidden line, which GitHub shows: write it out"
  done < <(awk '/^ *```/ { rust = !code && (/^ *```(rust|no_run|ignore|should_panic|compile_fail|edition)/ || /^ *``` *$/); code = !code; next } code && rust && /^ *#( |$)/ { print NR }' "$page")

  # Text without examples and code, but with the code that is a link's text.
  text=$(awk '/^ *```/ { code = !code; next } !code' "$page" | sed -E 's/\[`([^]`]+)`\]/[\x01\1\x01]/g; s/`[^`]*`//g; s/\x01/`/g')
  defined=$(sed -nE 's/^\[([^]]+)\]: .*/\1/p' <<<"$text")

  # Destinations, of links in the text and of definitions.
  while read -r to; do
    file=${to%%#*}
    anchor=''
    [[ $to != *'#'* ]] || anchor=${to#*#}
    case $to in
    https://docs.rs/pool-runtime/latest/*)
      file=$doc/${file#https://docs.rs/pool-runtime/latest/}
      [[ -d $doc/pool_runtime ]] || continue
      if [[ ! -f $file ]]; then
        say "$page: there is no $to"
      elif [[ -n $anchor ]] && ! grep -qF "id=\"$anchor\"" "$file"; then
        say "$page: there is no #$anchor in $file"
      fi
      continue ;;
    http://* | https://*) continue ;;
    esac
    if [[ -z $file ]]; then
      file=$page
    elif [[ -e $(dirname "$page")/$file ]]; then
      file=$(dirname "$page")/$file
    else
      say "$page: the link to \`$to\` leads nowhere on GitHub: write \`[text][label]\`, and define the label below and in $links"
      continue
    fi
    [[ -z $anchor ]] || anchors "$file" | grep -qxF -- "$anchor" || say "$page: $file has no heading \`#$anchor\`"
  done < <({ { grep -oE '\]\([^)]+\)' <<<"$text" || true; } | sed 's/^](//; s/)$//'; sed -nE 's/^\[[^]]+\]: (.*)/\1/p' <<<"$text"; } | sort -u)

  # Labels: defined on the page, and for rustdoc if the destination is of GitHub alone.
  while read -r label; do
    grep -qxF -- "$label" <<<"$defined" || say "$page: \`[$label]\` has no definition at the end of the page"
  done < <(grep -vE '^\[[^]]+\]: ' <<<"$text" | sed 's/!\[[^]]*\]([^)]*)//g' | grep -oE '\[[^][]+\](\[[^][]+\])?($|[^](:[])' | sed -E 's/(.*\]).?$/\1/; s/^.*\[([^]]+)\]$/\1/' | sort -u)
  [[ $page == "$folder"/* ]] || continue
  while IFS=$'\t' read -r label to; do
    # rustdoc's destination of the label, and that of `some-page.md#heading`.
    found=$(grep -hF -- "[$label]: " "$links" "${links%.md}-diagnose.md" | sed 's/^.*\]: //' || true)
    [[ $to != '#'* ]] || to=${page##*/}$to
    name=${to%%.md*}
    if [[ -z $found ]]; then
      say "$page: \`[$label]\` has no definition for rustdoc in $links"
    elif [[ $to != https:* && $found != "crate::${name//-/_}${to#*.md}" ]]; then
      say "$page: \`[$label]\` is $to, and $found in $links"
    fi
  done < <(sed -nE 's/^\[([^]]+)\]: (.*)/\1\t\2/p' <<<"$text")
done

# Labels of links.md that no page has, and headings that rustdoc does not find: it looks up pages alone.
while IFS=$'\t' read -r label to; do
  grep -qF -- "[$label]: " "$folder"/*.md || say "$links: no page has \`[$label]\`"
  [[ $to == *'#'* && -d $doc/pool_runtime ]] || continue
  file=$doc/pool_runtime/${to#crate::}
  grep -qF "id=\"${to#*#}\"" "${file%%#*}/index.html" || say "$links: rustdoc's page has no heading \`$to\`"
done < <(sed -nE 's/^\[([^]]+)\]: (.*)/\1\t\2/p' "$links")

# Examples of pages that are no doc tests. A paragraph is compared without indents.
[[ -n $quoted ]] || say 'pool-runtime/src/lib.rs: no page is hidden from `doctest`, or the script does not see it'
for page in $quoted; do
  awk -v page="$folder/$page" '
    function trim(line) { gsub(/^ +| +$/, "", line); return line }
    # Whether each paragraph of the example is in the program, one after the other.
    function is_in(program,   from, i, at) {
      from = 1
      for (i = 1; i <= paragraphs; i++) {
        at = index(substr(text[program], from), "\n" paragraph[i])
        if (!at) return 0
        from += at + length(paragraph[i]) - 1
      }
      return 1
    }
    FILENAME != page { text[FILENAME] = (FILENAME in text ? text[FILENAME] : "\n") trim($0) "\n"; next }
    /^```rust/ && !code { code = 1; begin = FNR; paragraphs = 0; open = 0; if ($0 != "```rust") { print page ":" FNR ": an example of a program is `rust` alone"; bad = 1 } next }
    /^```/ { if (code) {
        found = 0
        for (program in text) if (is_in(program)) found = 1
        if (!found) { print page ":" begin ": no program has this example"; bad = 1 }
        code = 0
      } else other = !other
      next }
    code && !/^ *$/ { if (!open) { paragraph[++paragraphs] = ""; open = 1 } paragraph[paragraphs] = paragraph[paragraphs] trim($0) "\n" }
    code && /^ *$/ { open = 0 }
    END { exit bad }' "${programs[@]}" "$folder/$page" >&2 || bad=1
done
exit "$bad"
