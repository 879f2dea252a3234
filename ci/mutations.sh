#!/usr/bin/env bash
# Breaks the protocol of the restartable sequences, one place at a time, and runs tests/inject.rs on each: every run but
# the first must fail. x86-64.
#
#   ci/mutations.sh [SECONDS [NAME…]]    seconds of one run, default 8; which mutations, default all
#
# It works in a copy, target/mutants. A mutation that finds nothing to change or does not compile is an error of this
# script, and so is one that survives. Not a part of .ci/run: it takes minutes.
#
# What the test does not catch, so that there is no mutation for it:
#
# - Orderings: x86-64 has few, and none of them between the instructions of a sequence. aarch64 is run by ci/vm.sh.
# - A missing signature, or an abort address inside of its sequence, is the kernel's to punish (a segmentation fault).
# - `rseq_cs` left behind after a sequence (invariant 7 of `rseq`): it takes a library that is unloaded.
# - A slot or a table that is made while a sweep goes by: each is made once in a run. The loom models have it.
# - The registration that is repeated after EPERM in a forked child, the gate of aarch64 kernels: tests of their own.
#
# Tried, and not caught in 4 s of one run:
#
# - `store_if` without its look at the slot (a thread that has moved changes the limit of another CPU's stack).
# - The id of before where `cpu_id` is what it was: read outside, or kept by each thread until its CPU changes. On Linux 6.18 with two CPUs an
#   id stays with its CPU as long as the process lives: in 1e9 looks from 1 to 6 threads that others move, or that are all on one CPU
#   for 0.4 s, none found another id on the CPU where it was. So this mutant is right there. `number-outside` is caught by the same look.
# - A sweep that goes through the lists before the fence. Behind the fence, the order of stacks and lists is free here.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-8}
shift || true
wanted=("$@")
copy=$PWD/target/mutants
sequences=pool-runtime/src/machine/rseq_x86_64.rs
injection=pool-runtime/src/machine/injection_x86_64.rs
survived=0
# A file that has been moved since the last run would be there twice.
rm -rf "$copy"/{pool-runtime,pool-macros,tests}

mutant() { # NAME (FILE PERL-SUBSTITUTION…)…; a substitution sees the whole file and must find something
  local name=$1 file="" argument
  shift
  if ((${#wanted[@]})) && [[ $name != none && " ${wanted[*]} " != *" $name "* ]]; then return; fi
  # Only what differs is copied: the rest is not built again.
  git ls-files | while read -r argument; do
    if ! cmp --silent "$argument" "$copy/$argument"; then
      mkdir -p "$copy/$(dirname "$argument")"
      cp "$argument" "$copy/$argument"
    fi
  done
  for argument; do
    if [[ -f $argument ]]; then
      file=$argument
    elif ! perl -0pi -e "$argument or die" "$copy/$file" 2>/dev/null; then
      echo "$name: finds nothing: $argument" >&2
      exit 2
    fi
  done
  local binary
  if ! binary=$(cd "$copy" && RUSTFLAGS="--cfg pool_inject" CARGO_TARGET_DIR=target cargo test --locked --release \
    -p tests-always --test inject --no-run 2>&1 | tee build.log | sed -n 's/.*Executable.*(\(.*\))/\1/p') || [[ -z $binary ]]; then
    echo "$name: does not compile" >&2
    tail -30 "$copy/build.log" >&2
    exit 2
  fi
  local status=0 start=$SECONDS last
  {
    (cd "$copy" && POOL_INJECT_SECONDS=$seconds timeout --kill-after=5 $((seconds + 30)) "$binary" --nocapture) \
      >"$copy/run.log" 2>&1 || status=$?
  } 2>/dev/null
  last=$(grep -m1 -E -A1 'FAILED:|panicked|dropped twice' "$copy/run.log" | tr '\n' ' ' || true)
  if [[ $name == none ]]; then
    [[ $status == 0 ]] || { echo "the test fails without a mutation: $last" >&2; exit 2; }
    printf '%-24s passes, as it must: %s\n' "$name" "$(grep aborts "$copy/run.log")"
  elif [[ $status == 0 ]]; then
    printf '%-24s SURVIVED\n' "$name"
    survived=$((survived + 1))
  else
    # The trap behind the second look is an illegal instruction.
    case $status in
    124 | 137) last="hangs" ;;
    132) last="a second look traps" ;;
    134) last="abort: $last" ;;
    139) last="segmentation fault" ;;
    esac
    printf '%-24s caught after %s s: %s\n' "$name" "$((SECONDS - start))" "${last:0:150}"
  fi
}

mutant none

# What a sequence reads before it begins.
mutant running-outside $sequences \
  's/arm!\(\),\n/"mov r9d, dword ptr [{tables} + {running}]\\n", spin!(), arm!(),\n/g' \
  's/cmp \{n:e\}, dword ptr \[\{tables\} \+ \{running\}\]/cmp {n:e}, r9d/'
mutant number-outside $sequences \
  's/("mov \{at\}, \{area\}\n\s*and.*?3:\\n")/concat!("mov r10d, dword ptr fs:[{area}]\\n", spin!(), $1)/s' \
  's/"mov \{n:e\}, dword ptr fs:\[\{area\}\]\\n",\n\s*keep_number!\(\),/"mov {n:e}, r10d\\n",/'
# What an area reads for an id that is not registered.
mutant not-registered $sequences \
  's/"cmp dword ptr fs:\[\{at\} \+ 4\], 0\\njs ",\n\s*\$unregistered,\n\s*"\\n",//'
mutant len-outside $sequences \
  's/arm!\(\),\n(\s*\$find,\n\s*"mov \{object\})/"mov {at}, {area}\\nand {at}, -32\\n", find_slot!(\$miss), "mov {object}, qword ptr [{at} + {len}]\\n", spin!(), arm!(),\n$1/' \
  's/("mov \{object\}, qword ptr \[\{tables\} \+ \{at\} \+ \{top\}\])/"mov r9, {object}\\n", $1/' \
  's/mov \{n\}, qword ptr \[\{object\} \+ \{len\}\]/mov {n}, r9/' \
  $injection 's/\\nmov r9, qword ptr \[r8\]\\n/\\n/' \
  's/cmp r9, qword ptr \[r8\]\\njne 33f\\n//'
mutant start-after-slot $sequences \
  's/, \{n\}\n\s*3:\\n"/, {n}\\n"/' \
  's/(\{at\}, qword ptr \[\{at\} \+ \{n\} \* 8\]\\n",\n\s*spin!\(\),)/$1 "3:\\n",/' \
  's/(\{n\} \* 8 \+ \{by_number\}\]\\n",\n\s*spin!\(\),)/$1 "3:\\n",/'
mutant start-after-number $sequences \
  's/, \{n\}\n\s*3:\\n"/, {n}\\n"/' \
  's/(keep_cpu!\(\),\n\s*spin!\(\),)/$1 "3:\\n",/'
mutant never-armed $sequences 's/mov qword ptr fs:\[\{at\} \+ 8\], \{n\}/nop/'

# Where a sequence ends, and what it does last.
mutant commit-before-store $sequences \
  's/("mov qword ptr \[\{slot\} \+ \{n\} \* 8 \+ \{entries\}\], \{object\}\\n",)/"inc qword ptr [{slot} + {len}]\\n", spin!(), $1/' \
  's/check_length!\("mov r11, \{n\}"\),//'
mutant batch-out-commits-first $sequences \
  's/("sub \{n\}, \{most\}",\n)/$1"mov qword ptr [{at} + {len}], {n}", spin!(),\n/' \
  's/check_length!\("lea r11, \[\{n\} \+ \{most\}\]"\),//'
mutant batch-in-commits-first $sequences \
  's/("add \{n\}, \{most\}",\n)/$1"mov qword ptr [{at} + {len}], {n}", spin!(),\n/' \
  's/check_length!\("mov r11, \{n\}\\nsub r11, \{most\}"\),//'
mutant batch-ends-before-commit $sequences \
  's/("mov qword ptr \[\{at\} \+ \{len\}\], \{n\}",)\n\s*"4:",/"4:", spin!(), $1\n/g'
mutant end-before-commit $sequences \
  's/"8:\\n",\n(\s*spin!\(\),\n\s*check_number!\(\),\n\s*check_top!\(\),\n\s*"mov qword ptr \[\{tables\} \+ \{at\}\], \{n\}\n)\s*4:/"8:\\n4:\\n",\n$1/'
# One instruction of a jump, as it stands between the commit and the end: hit once in so many thousand aborts.
mutant jump-after-commit $sequences 's/(\[\{tables\} \+ \{at\}\], \{n\}\n)/$1jmp 44f\n44: nop\n/g'
mutant spin-after-commit $sequences 's/(\[\{tables\} \+ \{at\}\], \{n\})\n/$1\\n", spin!(), "\n/g'

# What an abort does.
mutant abort-is-success $sequences 's/"mov ", \$result, ", -1\\njmp 7b"/"jmp 7b"/' 's/"mov \{object\}, -1\\njmp 7b"/"jmp 7b"/'
mutant abort-resumes $sequences 's/(check_number!\(\),\n\s*"mov qword ptr \[\{word\}\])/"8:", $1/' \
  's/"jmp \{aborted\}"/"jmp 8b # {aborted}"/g'
mutant abort-goes-behind $sequences 's/"jmp \{aborted\}"/"jmp 4b # {aborted}"/g'
mutant abort-is-done pool-runtime/src/machine/rseq.rs \
  's/(sequence::push\(self, tables, pointer\) \}) == Attempt::Done/$1 != Attempt::Missed/'
mutant abort-is-pushed pool-runtime/src/machine/rseq.rs \
  's/again\(Attempt::Aborted, (\|\| unsafe \{ sequence::push\(self, tables, pointer\) \}\)) == Some\(Attempt::Done\)/again(Attempt::Missed, $1 != None/'

# The stack.
mutant pop-leaves-front $sequences 's/xor \{n:e\}, \{n:e\}/mov {n}, {object}/'
mutant push-ignores-limit $sequences 's/jae \{miss\}(\\n",\n\s*spin!\(\),\n\s*"mov qword ptr \[\{slot\} \+ \{n\})/nop$1/'
mutant batch-in-ignores-limit $sequences 's/"cmovb \{most\}, \{i\}",/"# {i}",/'
mutant batch-out-ignores-len $sequences 's/"cmovb \{most\}, \{n\}",/"# {n}",/'
mutant store-any-value $sequences 's/"cmp qword ptr \[\{word\}\], \{old\}",\n\s*"jne \{miss\}",/"# {old}",/'

# The fence and the sweep.
mutant no-fence pool-runtime/src/machine/membarrier.rs \
  's/(pub\(super\) fn fence\(\) -> io::Result<\(\)> \{)/$1 if true { return Ok(()); }/'
# The memory barrier without the abort: MEMBARRIER_CMD_PRIVATE_EXPEDITED.
mutant plain-fence pool-runtime/src/machine/membarrier.rs \
  's/membarrier\(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ\)/membarrier(1 << 3)/g' \
  's/(    membarrier\(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ\))/    membarrier(1 << 4)?;\n$1/'
# The other fence.
mutant no-walk pool-runtime/src/machine/walk.rs 's/let reached = elsewhere\.all\(.*?\);/let reached = elsewhere.next().is_some();/'
mutant no-walk-everywhere pool-runtime/src/machine/rseq.rs 's/walk::walk\(self\.has_ids\(\)\)/walk::walk(false)/'
# With ids it goes everywhere.
POOL_BACKEND=rseq-cpu mutant nothing-noted pool-runtime/src/machine/walk.rs 's/NOTED\[number \/ WORD\]\.fetch_or\(.*?\);//'
mutant late-fence pool-runtime/src/registry/mod.rs \
  's/let fenced = !stopped.is_empty\(\) && machine::fence\(\);/let fenced = !stopped.is_empty();/' \
  's/(stopped\.iter\(\)\.for_each\(\|store\| restart\(store\)\))/machine::fence(); $1/'
mutant no-stop pool-runtime/src/slots/table.rs 's/self\.running\.store\(STARTED, Relaxed\);//'
mutant no-stop-near pool-runtime/src/slots/table.rs 's/self\.offsets\.stop\(.*?\);//'
mutant note-while-stopped pool-runtime/src/slots/table.rs 's/let found = number < self\.running_slots\(\)/let found = number < 2/' \
  pool-runtime/src/slots/offsets.rs 's/if offset\.load\(Relaxed\) == UNSET /if true /' \
  's/let _ = offset\.compare_exchange\(UNSET, self\.offset\(slot\), AcqRel, Relaxed\);/offset.swap(self.offset(slot), AcqRel);/'
mutant early-restart pool-runtime/src/registry/mod.rs \
  's/(taken\.extend\(stopped)/stopped.iter().for_each(|store| store.tables.restart());\n$1/'
if ((survived)); then
  echo "$survived survived"
  exit 1
fi
