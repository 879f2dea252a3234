#!/usr/bin/env bash
# Runs the tests on the other machines of docs/platforms.md: other processors by qemu's emulation of single programs, musl and
# static glibc on this machine, WebAssembly by node. Not a step of .ci/run, since each machine takes minutes, and the root about
# half an hour.
#
#   ci/machines.sh [--folder DIR] [MACHINE…] [-- ARGUMENT…]
#
# --folder    keeps the root, about 4 GB: default ${XDG_CACHE_HOME:-$HOME/.cache}/pool-runtime-machines
# MACHINE     i686, aarch64, armv7, riscv64, s390x, powerpc64le, musl, static, wasm; default all
# ARGUMENT    to `cargo test` behind `-p tests-exact -p tests-always`, to run a part: default `-p pool-runtime --lib` and every test
#
# Prints a line for each machine and exits with 1 if a machine fails. Root must run it, on Debian, x86-64: compilers, libraries and
# qemu come from Debian sid, into a root of its own.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "ci/machines.sh: $1" >&2
  exit 2
}

# The machine, Rust's name of it, Debian's, and the linker.
targets='
i686         i686-unknown-linux-gnu          i386     i686-linux-gnu-gcc
aarch64      aarch64-unknown-linux-gnu       arm64    aarch64-linux-gnu-gcc
armv7        armv7-unknown-linux-gnueabihf   armhf    arm-linux-gnueabihf-gcc
riscv64      riscv64gc-unknown-linux-gnu     riscv64  riscv64-linux-gnu-gcc
s390x        s390x-unknown-linux-gnu         s390x    s390x-linux-gnu-gcc
powerpc64le  powerpc64le-unknown-linux-gnu   ppc64el  powerpc64le-linux-gnu-gcc
'

folder=${XDG_CACHE_HOME:-$HOME/.cache}/pool-runtime-machines machines=() arguments=()
while (($#)); do
  case $1 in
    --folder) folder=${2:?} && shift ;;
    --) shift && arguments=("$@") && break ;;
    -*) fail "unknown option \`$1\`" ;;
    *) machines+=("$1") ;;
  esac
  shift
done
((${#machines[@]})) || machines=(i686 aarch64 armv7 riscv64 s390x powerpc64le musl static wasm)
root=$folder/sid

inside() {
  chroot "$root" env HOME=/root CARGO_TARGET_DIR=/pool/target CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true \
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_DEBUG=0 "$@"
}

make_root() {
  local archive arch packages=()
  command -v debootstrap >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap; }
  archive=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk '$1 == "URIs:" { print $2; exit }')
  archive=${archive:-$(awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) { print $i; exit } }' /etc/apt/sources.list)}
  rm -rf "$root"
  debootstrap --variant=minbase --arch=amd64 sid "$root" "$archive"
  # The machine's way to the archive: names, proxies, certificates.
  cp /etc/resolv.conf /etc/hosts "$root/etc/"
  cp -r /etc/ssl/certs "$root/etc/ssl/"
  cp /etc/apt/apt.conf.d/* "$root/etc/apt/apt.conf.d/"
  for arch in $(awk 'NF { print $3 }' <<<"$targets"); do
    chroot "$root" dpkg --add-architecture "$arch"
    packages+=("libc6:$arch" "libgcc-s1:$arch" "libc6-dev-$arch-cross")
    # Debian's std for riscv64 is behind its rustc now and then; cargo builds std, then.
    [[ $arch == riscv64 ]] || packages+=("libstd-rust-dev:$arch")
  done
  chroot "$root" apt-get update -qq
  chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends rustc cargo rust-src gcc libc6-dev qemu-user \
    gcc-aarch64-linux-gnu gcc-arm-linux-gnueabihf gcc-i686-linux-gnu gcc-powerpc64le-linux-gnu gcc-riscv64-linux-gnu \
    gcc-s390x-linux-gnu musl-tools libstd-rust-dev-wasm32 wasi-libc lld nodejs "${packages[@]}"
  touch "$root/.ready"
}

# The workspace as it is, without what git ignores, and the dependencies of its lock file: the root's cargo is offline.
copy_source() {
  local source=$root/pool/source name target deb linker
  rm -rf "$source"
  mkdir -p "$source/.cargo"
  git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- -cf - | tar -xf - -C "$source"
  cargo vendor --locked --quiet --versioned-dirs --manifest-path "$source/Cargo.toml" "$root/pool/vendor" >/dev/null
  # The dependencies of std, which cargo builds for musl.
  cp -rn "$root"/usr/lib/rustlib/src/rust/library/vendor/* "$root/pool/vendor/" 2>/dev/null || true
  {
    printf '[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "/pool/vendor"\n'
    while read -r name target deb linker; do
      [[ -z $name ]] || printf '[target.%s]\nlinker = "%s"\n' "$target" "$linker"
    done <<<"$targets"
    printf '[target.x86_64-unknown-linux-musl]\nlinker = "musl-gcc"\n'
  } >"$source/.cargo/config.toml"
  mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
  mountpoint -q "$root/dev" || mount --bind /dev "$root/dev"
  mountpoint -q "$root/sys" || mount --rbind /sys "$root/sys"
}

leave() {
  local place
  for place in /proc/sys/fs/binfmt_misc/pool-*; do
    [[ ! -e $place ]] || echo -1 >"$place"
  done
  umount -l "$root/proc" "$root/dev" "$root/sys" 2>/dev/null || true
}

# Lets the kernel run programs for this processor by qemu: tests start themselves again.
register() { # Debian's name, ours
  local place=/proc/sys/fs/binfmt_misc magic machine qemu=${2/powerpc/ppc}
  qemu=${qemu/armv7/arm}
  mountpoint -q "$place" || mount -t binfmt_misc binfmt_misc "$place"
  [[ ! -e $place/pool-$1 ]] || return 0
  # The beginning of a program: the class, the order of bytes, and the machine.
  case $1 in
    arm64) magic='\x02\x01\x01' machine='\xb7\x00' ;;
    armhf) magic='\x01\x01\x01' machine='\x28\x00' ;;
    riscv64) magic='\x02\x01\x01' machine='\xf3\x00' ;;
    ppc64el) magic='\x02\x01\x01' machine='\x15\x00' ;;
    s390x) magic='\x02\x02\x01' machine='\x00\x16' ;;
  esac
  local zeros='\x00\x00\x00\x00\x00\x00\x00\x00\x00' type='\x00\x00'
  printf '%s' ":pool-$1:M::\\x7fELF$magic$zeros$type$machine:\\xff\\xff\\xff\\xff\\xff\\xff\\xff$zeros$type\\xff\\xff:/usr/bin/qemu-$qemu:" >"$place/register"
}

run() { # MACHINE
  local name target deb linker
  read -r name target deb linker < <(grep "^$1 " <<<"$targets" || true)
  local tests=("${arguments[@]}") flags='' more=()
  case $1 in
    aarch64 | armv7 | riscv64 | s390x | powerpc64le) register "$deb" "$1" ;;
  esac
  case $1 in
    riscv64) more=(-Zbuild-std) ;;
    musl)
      target=x86_64-unknown-linux-musl
      # Debian has no std for musl, and the library that musl's std unwinds by has another name.
      more=(-Zbuild-std)
      inside sh -c 'mkdir -p /pool/unwind && cp "$(gcc -print-file-name=libgcc_eh.a)" /pool/unwind/libunwind.a'
      flags='-C link-self-contained=no -L /pool/unwind'
      ;;
    static)
      target=x86_64-unknown-linux-gnu flags='-C target-feature=+crt-static'
      ;;
    wasm)
      run_wasm
      return
      ;;
    *) [[ -n $target ]] || fail "unknown machine \`$1\`" ;;
  esac
  if ((${#tests[@]} == 0)); then
    inside RUSTC_BOOTSTRAP=1 RUSTFLAGS="$flags" sh -c "cd /pool/source && cargo test --offline --release --target $target ${more[*]} -p pool-runtime --lib" || return
  fi
  inside RUSTC_BOOTSTRAP=1 RUSTFLAGS="$flags" sh -c "cd /pool/source && cargo test --offline --release --no-fail-fast --target $target ${more[*]} -p tests-exact -p tests-always ${tests[*]}"
}

# WebAssembly has no threads, so the suite cannot run: a program uses pools in every way.
run_wasm() {
  inside sh -c 'cd /pool/source && cargo build --offline --release --target wasm32-wasip1 -p pool-runtime --example webassembly' &&
    inside node --no-warnings -e '
      const { WASI } = require("node:wasi");
      const wasi = new WASI({ version: "preview1", args: ["webassembly"] });
      const module = new WebAssembly.Module(require("fs").readFileSync("/pool/target/wasm32-wasip1/release/examples/webassembly.wasm"));
      process.exit(wasi.start(new WebAssembly.Instance(module, wasi.getImportObject())));'
}

if [[ ! -e $root/.ready ]]; then
  mkdir -p "$folder"
  make_root >"$root.log" 2>&1 || { tail -20 "$root.log" >&2; exit 1; }
fi
trap leave EXIT
copy_source

failed=0
for machine in "${machines[@]}"; do
  start=$SECONDS
  if run "$machine" >"$folder/$machine.log" 2>&1; then
    outcome=$(awk '/^test result/ { passed += $4; failed += $6 } END { print passed + 0 " passed, " failed + 0 " failed" }' "$folder/$machine.log")
  else
    outcome="failed: see $folder/$machine.log"
    failed=1
  fi
  echo "$machine: $outcome, $((SECONDS - start)) s"
done
exit "$failed"
