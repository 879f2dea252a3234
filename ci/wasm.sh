#!/usr/bin/env bash
# Runs a program that uses pools on WebAssembly: with WASI, and without any system. Needs node.
set -euo pipefail

targets=(wasm32-wasip1 wasm32-unknown-unknown)
if ! command -v node >/dev/null; then
  echo 'NOT CHECKED: there is no node, of version 20 or later: see https://nodejs.org' >&2
  exit ${CI:+1}
fi
if ! rustup target add "${targets[@]}"; then
  echo "NOT CHECKED: rustup cannot install ${targets[*]}: see what \`rustup target add ${targets[*]}\` says" >&2
  exit ${CI:+1}
fi
for target in "${targets[@]}"; do
  echo "-- $target"
  cargo build --locked -p pool-runtime --example webassembly --target "$target"
  node --no-warnings --input-type=module - "target/$target/debug/examples/webassembly.wasm" <<'JS'
import { WASI } from 'node:wasi';
import { readFile } from 'node:fs/promises';

const module = await WebAssembly.compile(await readFile(process.argv[2]));
if (WebAssembly.Module.imports(module).length > 0) {
  const wasi = new WASI({ version: 'preview1' });
  wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
} else {
  (await WebAssembly.instantiate(module)).exports.use_pools();
  console.log('ran without a system');
}
JS
done
