#!/usr/bin/env bash
# The examples, run for real: the README's command works, gunzip reads the files that squeeze wrote, and breathe breathes. The server's own
# tests start it.
set -euo pipefail

# The README shows this example, without its head.
diff <(sed -n '/^```rust/,/^```/p' README.md | sed '1d;$d') <(sed '/^\/\/!/d' examples/quickstart.rs | sed '1{/^$/d}')
cargo run --locked --release --example quickstart
cargo run --locked --release --example expanded

command=$(grep -A3 '<!-- run -->' README.md | grep '^cargo run')
echo "$command"
$command

# 10,000 files of 1 to 4 KiB, the same in each run.
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
awk -v tree="$tree/in" 'BEGIN {
  srand(1)
  words = split("acquire release reset retain slot private shared steal refill flush victim age collect idle", word)
  for (folder = 0; folder < 100; folder++) {
    system("mkdir -p " tree "/" folder)
    for (file = 0; file < 100; file++) {
      path = tree "/" folder "/" file ".txt"
      size = 1000 + int(3000 * rand())
      for (text = ""; length(text) < size; ) text = text word[1 + int(words * rand())] " " int(1000 * rand()) " "
      print text > path
      close(path)
    }
  }
}'
squeeze=(cargo run --locked --release --quiet --example squeeze --)
threads=4
"${squeeze[@]}" --threads "$threads" --compare --out "$tree/out" "$tree/in" | tee "$tree/report"

find "$tree/out" -name '*.gz' -print0 | xargs -0 gunzip -t
find "$tree/out" -name '*.gz' -print0 | xargs -0 gunzip
diff -r "$tree/in" "$tree/out/in"

# As many contexts as threads in flight, not as blocks. A thread that is preempted in the wrong place costs another.
made=$(awk '/^contexts made/ { print $3 }' "$tree/report")
echo "$made contexts for 10,000 blocks on $threads threads"
test "$made" -le $((4 * threads))

# Three waves in three seconds: at the end no object is held. The example's tests check that the picture is an SVG with the curves.
cargo run --locked --release --quiet --example breathe -- --seconds 3 --svg "$tree/breathe.svg" | tee "$tree/breathe"
awk '/^most held/ { most = $3 } /^held at the end/ { end = $5 } END { exit !(most > 1 && end < most / 10) }' "$tree/breathe"
grep --quiet '^</svg>' "$tree/breathe.svg"
