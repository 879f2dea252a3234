#!/usr/bin/env bash
# Breaks the protocol of the restartable sequences, one place at a time, and runs the test `inject` on each: every run but
# the first must fail. x86-64.
#
#   ci/mutations.sh [SECONDS [NAME…]]    seconds of one run, default 8; which mutations, default all
#   ci/mutations.sh check                whether each mutation finds its place; builds nothing
#
# A place is a line of the runtime with the comment `// mutant: NAME…`, or the line below, if the comment has a line of its own. The
# script works in a copy, target/mutants. A mutation that finds nothing to change or does not compile is an error, and so is a
# mutation that survives. `check` is a part of ci/lint.sh; the rest is not a part of .ci/run: it takes minutes.
#
# Faults that the test does not catch, so that there is no mutation for them:
#
# - Orderings: x86-64 has few, and none of them between the instructions of a sequence. ci/vm.sh runs aarch64.
# - A missing signature, or an abort address inside of its sequence, is the kernel's to punish (a segmentation fault).
# - `rseq_cs` left behind after a sequence (invariant 7 of `sequence`): that takes a library that is unloaded.
# - A slot or a table that is made while a sweep goes by: each is made once in a run. The loom models have it.
# - The registration that is repeated after EPERM in a forked child, the gate of aarch64 kernels: tests of their own.
#
# Tried, and not caught in 4 s of one run:
#
# - `store_if` without its look at the slot (a thread that has moved changes the limit of another CPU's stack).
# - The id of before while `cpu_id` is unchanged: read outside, or kept by each thread until its CPU changes. On Linux 6.18 with two CPUs an
#   id stays with its CPU as long as the process lives: in 1e9 looks from 1 to 6 threads that others move, or that are all on one CPU
#   for 0.4 s, no look found another id on the CPU of before. So this mutant is right there. The same look catches `number-outside`.
# - A sweep that goes through the lists before the fence. Behind the fence, the order of stacks and lists is free here.
set -euo pipefail
cd "$(dirname "$0")/.."

only_check=
[[ ${1:-} != check ]] || only_check=1
seconds=${1:-8}
shift || true
wanted=("$@")
source=pool-runtime/src
copy=$PWD/target/mutants
known=()
survived=0
if [[ -n $only_check ]]; then
  copy=$(mktemp -d)
  trap 'rm -rf "$copy"' EXIT
else
  # A file that has moved since the last run would be there twice.
  rm -rf "$copy"/{pool-runtime,pool-macros,tests}
fi

# Writes each file that has the mutation's places to the copy, changed. A substitution sees the code of one line; each place is
# changed by exactly one, and each substitution changes a place.
change() { # NAME SUBSTITUTION…
  local files
  mapfile -t files < <(grep -rlE "// mutant: .*\b$1\b" "$source")
  perl -e '
    my ($copy, $name) = splice @ARGV, 0, 2;
    my (@substitutions, %used);
    while (($_ = shift) ne "--") { push @substitutions, $_ }
    sub changed {
      my ($code) = @_;
      my @changed;
      for my $substitution (@substitutions) {
        local $_ = $code;
        my $found = eval $substitution;
        die $@ if $@;
        if ($found) { push @changed, $_; $used{$substitution} = 1 }
      }
      @changed == 1 or die "$name: " . @changed . " substitutions for: $code\n";
      $changed[0];
    }
    for my $file (@ARGV) {
      my ($text, $below) = ("", 0);
      open my $in, "<", $file or die;
      while (<$in>) {
        if (m{^(.*?) *// mutant: ([a-z, -]+)$} && grep { $_ eq $name } split /, /, $2) {
          $below = $1 eq "";
          $_ = $below ? "" : changed($1) . "\n";
        } elsif ($below) {
          chomp;
          ($_, $below) = (changed($_) . "\n", 0);
        }
        $text .= $_;
      }
      system "mkdir", "-p", "$copy/$file" =~ s{/[^/]*$}{}r;
      open my $out, ">", "$copy/$file" or die;
      print $out $text;
    }
    $used{$_} or die "$name: finds nothing: $_\n" for @substitutions;
  ' "$copy" "$@" -- "${files[@]}" || exit 2
}

mutant() { # NAME SUBSTITUTION…
  local name=$1 file
  known+=("$name")
  if [[ -n $only_check ]]; then
    change "$@"
    return
  fi
  if ((${#wanted[@]})) && [[ $name != none && " ${wanted[*]} " != *" $name "* ]]; then return; fi
  # The script copies only files that differ: cargo does not build the rest again.
  git ls-files | while read -r file; do
    if ! cmp --silent "$file" "$copy/$file"; then
      mkdir -p "$copy/$(dirname "$file")"
      cp "$file" "$copy/$file"
    fi
  done
  change "$@"
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

# The words that a sequence reads before it begins.
mutant running-outside 's/"mov .*/"mov r9d, dword ptr [{tables} + {running}]\\n", spin!(), $&/' 's/dword ptr .*?\]/r9d/'
mutant number-outside 's/"mov \{at.*/"mov r10d, dword ptr fs:[{area}]\\n", spin!(), $&/' 's/dword ptr .*?\]/r10d/'
# The id of an area that is not registered.
mutant not-registered 's/".*"/"# "/'
mutant len-outside \
  's/arm!.*/"mov {at}, {area}\\nand {at}, -32\\n", find_slot!(\$miss), "mov {object}, qword ptr [{at} + {stacked}]\\n", spin!(), $&/' \
  's/"mov \{object\}/"mov r9, {object}\\n", $&/' \
  's/qword ptr \[\{object\} \+ \{stacked\}\]/r9/' \
  's/\\nmov r9, qword ptr \[r8\]//' \
  's/"cmp.*"/""/'
mutant start-after-slot 's/"3:.*//' 's/spin.*/$& "3:\\n",/'
mutant start-after-number 's/"3:.*//' 's/spin.*/$& "3:\\n",/'
mutant never-armed 's/mov .*\}/nop/'

# The end of a sequence, and its last store.
mutant commit-before-store 's/^ *"mov .*/"inc qword ptr [{slot} + {stacked}]\\n", spin!(), $&/' 's/check_length.*//'
mutant batch-out-commits-first 's/"sub .*/$& "mov qword ptr [{at} + {stacked}], {n}", spin!(),/' 's/check_length.*//'
mutant batch-in-commits-first 's/"add .*/$& "mov qword ptr [{at} + {stacked}], {n}", spin!(),/' 's/check_length.*//'
mutant batch-ends-before-commit 's/"mov .*/"4:", spin!(), $&/' 's/"4:.*//'
mutant end-before-commit 's/"8:\\n/$&4:\\n/' 's/"4:.*//'
# One instruction of a jump, as it stands between the commit and the end: hit once in so many thousand aborts.
mutant jump-after-commit 's/$/ "jmp 44f\\n44: nop\\n",/'
mutant spin-after-commit 's/$/ spin!(),/'

# The way of an abort.
mutant abort-is-success 's/"mov .*jmp 7b/"jmp 7b/'
mutant abort-resumes 's/check_number.*/"8:", $&/' 's/jmp \{/jmp 8b # {/'
mutant abort-goes-behind 's/jmp \{/jmp 4b # {/'
mutant abort-is-done 's/== Attempt::Done/!= Attempt::Missed/'
mutant abort-is-pushed 's/Attempt::Aborted(.*) == Some\(Attempt::Done\)/Attempt::Missed$1 != None/'

# The stack.
mutant pop-leaves-top 's/xor .*\}/mov {n}, {object}/'
mutant push-ignores-limit 's/jae .*\}/nop/'
mutant batch-in-ignores-limit 's/cmovb [^,]*,/#/'
mutant batch-out-ignores-len 's/cmovb [^,]*,/#/'
mutant store-any-value 's/qword ptr .*?\]/{old}/'

# The fence and the sweep.
mutant no-fence 's/^/if true { return Ok(()); }/'
# The memory barrier without the abort: MEMBARRIER_CMD_PRIVATE_EXPEDITED, and its registration.
mutant plain-fence 's/$/ let command = command >> 4;/'
# The other fence.
mutant no-walk 's/= .*/= elsewhere.next().is_some();/'
mutant no-walk-everywhere 's/if \w+/if false/'
# With ids the walk goes everywhere.
POOL_BACKEND=rseq-cpu mutant nothing-noted 's/.*//'
mutant late-fence 's/= (.*);/= true; let late = || $1;/' 's/stopped\.iter.*/late(); $&/'
mutant no-stop 's/.*//'
mutant no-stop-offsets 's/.*//'
mutant publish-while-stopped 's/< .*/< 2;/' 's/^ *if /offset.swap(self.offset(slot), AcqRel); $&/'
mutant early-restart 's/^/stopped.iter().for_each(|store| store.tables.restart());/'

for name in "${wanted[@]}"; do
  [[ " ${known[*]} " == *" $name "* ]] || { echo "ci/mutations.sh: there is no mutation \`$name\`" >&2; exit 2; }
done
if [[ -n $only_check ]]; then
  unknown=$(grep -rhoE '// mutant: .*' "$source" | sed 's/.*: //; s/, /\n/g' | sort -u | grep -vxF "$(printf '%s\n' "${known[@]}")" || true)
  if [[ -n $unknown ]]; then
    echo "ci/mutations.sh: a mark in $source is no mutation's:" $unknown >&2
    exit 2
  fi
  exit 0
fi
if ((survived)); then
  echo "$survived survived"
  exit 1
fi
