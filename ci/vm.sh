#!/usr/bin/env bash
# Runs tests in virtual machines with many CPUs, under real kernels: x86-64 and aarch64, Debian stable's kernel and sid's.
# Emulation proves correctness on machines that are not at hand, and says nothing about speed. Not a step of .ci/run, since each
# machine takes minutes.
#
#   ci/vm.sh [--arch x86_64|aarch64] [--kernel stable|sid] [--cpus N] [--seconds S] [--folder DIR] [TEST…]
#
# --arch     this architecture only
# --kernel   this kernel only
# --cpus     default 64 on x86-64, 16 on aarch64
# --seconds  gives a machine up after so many seconds, default 900
# --folder   keeps the root and the kernels, about 2 GB: default ${XDG_CACHE_HOME:-$HOME/.cache}/pool-runtime-vm
# TEST…      test binaries of the packages in `tests`: default exactly_once, slots, timer, stress; `unload` is slow
#
# Prints for each machine its CPUs and its kernel, the backend of the pools, and each test's outcome. Exits with 1 if any
# test fails or does not finish, or if a machine falls back to the portable backend for another reason than its kernel.
#
# Root must run it, on Debian: qemu, kernels and busybox come from Debian's archive, the C library and rustc from a root
# that ci/sid-root.sh makes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

fail() {
  echo "ci/vm.sh: $1" >&2
  exit 2
}

arches=(x86_64 aarch64) kernels=(stable sid) cpus='' seconds=900
folder=${XDG_CACHE_HOME:-$HOME/.cache}/pool-runtime-vm
while [[ ${1:-} == --* ]]; do
  (($# >= 2)) || fail "\`$1\` needs a value"
  case $1 in
    --arch) arches=("$2") ;;
    --kernel) kernels=("$2") ;;
    --cpus) cpus=$2 ;;
    --seconds) seconds=$2 ;;
    --folder) folder=$2 ;;
    *) fail "unknown option \`$1\`" ;;
  esac
  shift 2
done
[[ ${arches[0]} == @(x86_64|aarch64) ]] || fail "unknown architecture \`${arches[0]}\`, expected \`x86_64\` or \`aarch64\`"
[[ ${kernels[0]} == @(stable|sid) ]] || fail "unknown kernel \`${kernels[0]}\`, expected \`stable\` or \`sid\`"
tests=("$@")
((${#tests[@]})) || tests=(exactly_once slots timer stress)

sid=$folder/sid
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The files of a machine: busybox, the C library, the tests, and an `init` that runs them.
make_initrd() {
  local arch=$1 root=$scratch/root libraries=lib/$1-linux-gnu library test
  rm -rf "$root"
  mkdir -p "$root"/{bin,proc,sys,dev,tmp,tests,lib64,"$libraries"}
  cp -L "$folder/busybox-$arch" "$root/bin/busybox"
  for library in libc.so.6 libm.so.6 libgcc_s.so.1; do
    cp -L "$sid/usr/$libraries/$library" "$root/$libraries/"
  done
  case $arch in
    x86_64) cp -L "$sid/usr/$libraries/ld-linux-x86-64.so.2" "$root/lib64/" ;;
    aarch64) cp -L "$sid/usr/$libraries/ld-linux-aarch64.so.1" "$root/lib/" ;;
  esac
  for test in backend "${tests[@]}"; do
    cp "$scratch/tests-$arch/$test" "$root/tests/"
  done
  mkdir "$root/examples"
  cp "$scratch/tests-$arch/libplugin.so" "$root/examples/"
  # Each line of the `init` begins with `vm:`, to be told from the kernel's.
  {
    cat <<'INIT'
#!/bin/busybox sh
PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp
echo "vm: $(nproc) CPUs, kernel $(uname -r), $(uname -m)"
/tests/backend --exact the_backend_stays_what_it_is --nocapture | sed -n 's/.*\(backend: .*\)/vm: \1/p'
INIT
    for test in "${tests[@]}"; do
      cat <<INIT
start=\$(date +%s)
/tests/$test --test-threads=1
echo "vm: $test: exit status \$?, \$((\$(date +%s) - start)) s"
INIT
    done
    echo 'echo "vm: end"; poweroff -f'
  } >"$root/init"
  chmod +x "$root/init"
  (cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$scratch/initrd"
}

# Boots a machine, shows its output, and says whether that is right.
run() {
  local arch=$1 kernel=$2 n=$3 machine console processor=max log=$scratch/log start=$SECONDS test
  case $arch in
    # With five levels of page tables, or with SMAP, Linux 7.2 does not boot in this emulator.
    x86_64) machine=q35 console=ttyS0 processor=max,la57=off,smap=off ;;
    aarch64) machine=virt,gic-version=3 console=ttyAMA0 ;;
  esac
  timeout "$seconds" "qemu-system-$arch" -M "$machine" -cpu "$processor" -accel tcg,thread=multi -smp "$n" -m 3G -nographic \
    -no-reboot -net none -kernel "$folder/vmlinuz-$arch-$kernel" -initrd "$scratch/initrd" \
    -append "console=$console quiet panic=-1" </dev/null 2>&1 |
    sed -un 's/\r//g; s/^.*\(vm: [0-9]* CPUs\)/\1/; /^vm: .* CPUs, kernel/,/^vm: end/p' | tee "$log" || true
  echo "-- $((SECONDS - start)) s"
  if ! grep -q '^vm: end' "$log"; then
    echo "ci/vm.sh: $arch, $kernel: not finished" >&2
    return 1
  fi
  # The runtime refuses some of aarch64's kernels.
  if ! grep -qE "^vm: backend: (rseq|rseq-cpu: the kernel has no .*|portable: this kernel's.*)\$" "$log"; then
    echo "ci/vm.sh: $arch, $kernel: restartable sequences are not used" >&2
    return 1
  fi
  for test in "${tests[@]}"; do
    if ! grep -q "^vm: $test: exit status 0," "$log"; then
      echo "ci/vm.sh: $arch, $kernel: $test failed" >&2
      return 1
    fi
  done
}

if ! command -v cpio >/dev/null || ! command -v qemu-system-x86_64 >/dev/null || ! command -v qemu-system-aarch64 >/dev/null; then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends qemu-system-x86 qemu-system-arm cpio >/dev/null
fi
mkdir -p "$folder"

failed=0
for arch in "${arches[@]}"; do
  "$here/sid-root.sh" "$sid" "$arch" "$scratch/tests-$arch" backend "${tests[@]}"
  for kernel in "${kernels[@]}"; do
    "$here/kernel.sh" "$folder" "$arch" "$kernel"
    make_initrd "$arch"
    n=$cpus
    [[ -n $n ]] || case $arch in x86_64) n=64 ;; aarch64) n=16 ;; esac
    echo "-- $arch, $n CPUs, Debian $kernel's kernel"
    run "$arch" "$kernel" "$n" || failed=1
  done
done
exit "$failed"
