#!/usr/bin/env bash
# Counts the objects that a pool makes and keeps on machines with many CPUs, by slots for concurrency ids and for CPUs' numbers: the
# table of *With many CPUs* in docs/performance.md. The machines are emulated, so nothing is timed: x86-64, Debian sid's kernel.
# Not a step of .ci/run, since each machine takes minutes.
#
#   ci/scale.sh [--cpus N,…] [--backend NAME,…] [--seconds S] [--folder DIR]
#
# --cpus     default 8,64,192
# --backend  values of POOL_BACKEND: default rseq,rseq-cpu
# --seconds  gives a machine up after so many seconds, default 3600: 192 CPUs took 1,139 beside other work
# --folder   keeps the root and the kernels, about 2 GB: default ${XDG_CACHE_HOME:-$HOME/.cache}/pool-runtime-vm
#
# Prints the output of each machine, and in the end the table. Exits with 1 if a machine does not finish.
#
# Root must run it, on Debian, x86-64: qemu, the kernel and busybox come from Debian's archive; the C library is this
# machine's, glibc 2.35 or later.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

fail() {
  echo "ci/scale.sh: $1" >&2
  exit 2
}

cpus=8,64,192 backends=rseq,rseq-cpu seconds=3600
folder=${XDG_CACHE_HOME:-$HOME/.cache}/pool-runtime-vm
while (($#)); do
  (($# >= 2)) || fail "\`$1\` needs a value"
  case $1 in
    --cpus) cpus=$2 ;;
    --backend) backends=$2 ;;
    --seconds) seconds=$2 ;;
    --folder) folder=$2 ;;
    *) fail "unknown option \`$1\`" ;;
  esac
  shift 2
done
IFS=, read -ra cpus <<<"$cpus"
IFS=, read -ra backends <<<"$backends"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The files of a machine: busybox, the C library, the program, and an `init` that runs it.
make_initrd() {
  local root=$scratch/root library
  mkdir -p "$root"/{bin,proc,sys,dev}
  cp "$folder/busybox-x86_64" "$root/bin/busybox"
  cp "$1" "$root/bin/scale"
  ldd "$1" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
  done
  # Each line of ours begins with `scale:`, to be told from the kernel's. A machine has little work besides: the kernel's threads
  # for each CPU take long under emulation.
  {
    cat <<'INIT'
#!/bin/busybox sh
PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo +cpu >/sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/quota
echo 200000 100000 >/sys/fs/cgroup/quota/cpu.max
echo "scale: $(nproc) CPUs, kernel $(uname -r)"
INIT
    for backend in "${backends[@]}"; do
      cat <<INIT
export POOL_BACKEND=$backend
for case in one eight quota burst; do
  start=\$(date +%s)
  echo "scale: case: \$case, $backend"
  (
    [ \$case != quota ] || echo 0 >/sys/fs/cgroup/quota/cgroup.procs
    exec scale \$case
  )
  echo "scale: exit status \$?, \$((\$(date +%s) - start)) s"
done
INIT
    done
    echo 'echo "scale: end"; poweroff -f'
  } >"$root/init"
  chmod +x "$root/init"
  (cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$scratch/initrd"
}

# Boots a machine with $1 CPUs and shows its output.
run() {
  local log=$scratch/log-$1 start=$SECONDS
  # Linux 7.2 does not boot with those two features, as qemu emulates them. `lpj`: else each CPU measures its own speed, for
  # which emulation is too uneven. One thread for all CPUs, and a clock that counts instructions: with a thread each, a CPU may go on with
  # code that another has rewritten (`Oops: int3`), and by the host's clock 192 CPUs have a timer's work to do all the time.
  timeout "$seconds" nice qemu-system-x86_64 -M q35 -cpu max,la57=off,smap=off -accel tcg,thread=single -icount shift=0,sleep=off -smp "$1" -m 3G \
    -nographic -no-reboot -net none -kernel "$folder/vmlinuz-x86_64-sid" -initrd "$scratch/initrd" \
    -append "console=ttyS0 quiet panic=-1 mitigations=off nowatchdog tsc=reliable lpj=10000000 rcupdate.rcu_expedited=1" </dev/null 2>&1 |
    sed -un 's/\r//g; s/^.*\(scale: \)/\1/p' | tee "$log" || true
  echo "-- $((SECONDS - start)) s"
  if ! grep -q '^scale: end' "$log" || grep '^scale: exit status' "$log" | grep -qv 'status 0,'; then
    echo "ci/scale.sh: $1 CPUs: not finished" >&2
    return 1
  fi
  if ! awk '/^scale: case: / { asked = $NF } /^scale: backend: / { sub(":$", "", $3); wrong += $3 != asked } END { exit wrong }' "$log"; then
    echo "ci/scale.sh: $1 CPUs: not the backend that was asked for" >&2
    return 1
  fi
}

# The figures of all machines: a row for each figure and backend, a column for each number of CPUs.
table() {
  local n line='| figure | slots by |' rule='|---|---|'
  for n in "${cpus[@]}"; do
    line+=" $n CPUs |" rule+='---:|'
  done
  printf '\n%s\n%s\n' "$line" "$rule"
  for n in "${cpus[@]}"; do
    sed "s/^/$n /" "$scratch/log-$n"
  done | awk -v cpus="${cpus[*]}" -v backends="${backends[*]}" '
    $3 == "case:" { place = $4; sub(",", "", place); backend = $5; next }
    $3 == "exit" || $3 == "end" || $3 == "backend:" || / CPUs, kernel / { next }
    {
      n = $1
      sub(/^[0-9]+ scale: /, "")
      colon = index($0, ": ")
      figure = place ": " substr($0, 1, colon - 1)
      if (!(figure in known)) { known[figure] = 1; figures[++count] = figure }
      value[figure, backend, n] = substr($0, colon + 2)
    }
    END {
      machines = split(cpus, machine, " ")
      schemes = split(backends, scheme, " ")
      for (i = 1; i <= count; i++) for (j = 1; j <= schemes; j++) {
        printf "| %s | %s |", figures[i], scheme[j]
        for (k = 1; k <= machines; k++) {
          place = figures[i] SUBSEP scheme[j] SUBSEP machine[k]
          printf " %s |", (place in value) ? value[place] : "–"
        }
        print ""
      }
    }'
}

if ! command -v cpio >/dev/null || ! command -v qemu-system-x86_64 >/dev/null; then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends qemu-system-x86 cpio >/dev/null
fi
mkdir -p "$folder"
"$here/sid-root.sh" "$folder/sid"
"$here/kernel.sh" "$folder" x86_64 sid
program=$(cd "$here/.." && cargo build --locked --release -p scale --features hits --message-format json-render-diagnostics |
  sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
make_initrd "$program"

failed=0
for n in "${cpus[@]}"; do
  echo "-- $n CPUs"
  run "$n" || failed=1
done
table
exit "$failed"
