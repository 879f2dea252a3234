#!/usr/bin/env bash
# The page of the pools in Chromium: `ci/browser.sh`. A new picture of it, after five minutes of load: `ci/browser.sh picture`.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! { command -v chromium && command -v chromedriver; } >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  log=$(mktemp)
  { apt-get -qq update && apt-get -qq -o DPkg::Lock::Timeout=120 install --yes --no-install-recommends chromium chromium-driver fonts-dejavu-core; } \
    >"$log" 2>&1 </dev/null || tail -n 5 "$log" >&2
  rm -f "$log"
fi
for program in chromium chromedriver; do
  if ! command -v "$program" >/dev/null; then
    echo "NOT CHECKED: there is no \`$program\`: as root of a Debian, \`apt-get install chromium chromium-driver\`" >&2
    exit ${CI:+1}
  fi
done

if [ "${1:-}" != picture ]; then
  # One browser at a time, with a limit on the whole: a browser that hangs is killed with the tests.
  exec timeout --kill-after=10 600 cargo test --locked -p server --features browser --test browser -- --test-threads=1
fi

work=$(mktemp -d)
cargo build --locked --release -p server --example server
load='' driver=''
# The driver's group has the browser, too.
trap 'kill -- "$server" $load ${driver:+"-$driver"} 2>/dev/null || true; rm -rf "$work"' EXIT
target/release/examples/server --listen 127.0.0.1:0 >"$work/said" &
server=$!
while ! address=$(grep -o 'http://127.0.0.1:[0-9]*' "$work/said" | head -n 1) || [ -z "$address" ]; do sleep 0.1; done
head -c 60000 Cargo.lock >"$work/body"
for number in $(seq 300); do echo "{\"page\": $number, \"time\": $((number % 97))}"; done >"$work/lines"
# Waves of a minute, of ever more requests at once, then silence; the picture is of the middle of a wave.
load() {
  for second in $(seq 600); do
    wave=$((second % 60))
    if [ $wave -lt 40 ]; then
      for path in gzip zstd brotli; do
        seq $((wave / 10 + 1)) | xargs -P 5 -I{} curl --silent --max-time 20 --limit-rate 30k --output /dev/null --data-binary @"$work/body" "$address/$path" &
      done
      curl --silent --max-time 20 --output /dev/null --data-binary @"$work/lines" "$address/json" &
    fi
    sleep 1
  done
}
load &
load=$!
sleep 320

# WebDriver is JSON over HTTP.
setsid chromedriver --port=0 >"$work/driver" &
driver=$!
until port=$(grep -o 'successfully on port [0-9]*' "$work/driver" | grep -o '[0-9]*'); do sleep 0.1; done
ask() { curl --silent --fail --max-time 120 --data "$2" "http://127.0.0.1:$port/session$1"; }
switches='"--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"'
session=$(ask '' '{"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": ['"$switches"', "--hide-scrollbars", "--window-size=1280,850"]}}}}' |
  grep -o '"sessionId":"[^"]*' | cut -d '"' -f 4)
ask "/$session/url" "{\"url\": \"$address/pools\"}" >"$work/answer"
until ask "/$session/execute/sync" '{"args": [], "script": "return document.querySelector(\"tbody path\")?.getAttribute(\"d\")?.length > 1000"}' | grep --quiet true; do
  sleep 0.5
done
curl --silent --fail "http://127.0.0.1:$port/session/$session/screenshot" | grep -o '"value":"[^"]*' | cut -d '"' -f 4 | base64 --decode >"$work/pools.png"
curl --silent --fail --request DELETE --output /dev/null "http://127.0.0.1:$port/session/$session"
test "$(stat --format %s "$work/pools.png")" -le 153600
mv "$work/pools.png" docs/pools.png
