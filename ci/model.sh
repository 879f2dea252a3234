#!/usr/bin/env bash
# The models of tests/model, by spin: each configuration holds in every interleaving, and each mutation is found out. Needs Debian's
# package `spin`, which it installs if it is root, and a C compiler.
#
#   ci/model.sh [NAME…]    default: all configurations and all mutations
#
# Prints for each configuration the number of its states and the time, and for each mutation the assertion that fails. A mutation has the
# name that it has in ci/mutations.sh; tests/model/README.md says more.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v spin >/dev/null && command -v apt-get >/dev/null && [[ $(id -u) == 0 ]]; then
  apt-get update -qq && apt-get install -y -qq --no-install-recommends spin >/dev/null || true
fi
if ! command -v spin >/dev/null; then
  echo 'NOT CHECKED: there is no spin: install it (Debian: `apt-get install spin`)' >&2
  exit ${CI:+1}
fi
if ! command -v cc >/dev/null; then
  echo 'NOT CHECKED: there is no C compiler, `cc`: install it (Debian: `apt-get install gcc libc6-dev`)' >&2
  exit ${CI:+1}
fi

folder=$PWD/target/model
mkdir -p "$folder"
wanted=" $* "
jobs=()

# Each configuration is a few definitions; what they mean stands at the beginning of the model. A name that begins with `owned` is one of
# owned.pml; one that begins with `ends` is searched for executions without an end.
configuration() { # NAME DEFINITION…
  local name=$1
  shift
  definitions[$name]=$*
  [[ $wanted == '  ' || $wanted == *" $name "* ]] && jobs+=("$name - $*")
  return 0
}
# A mutation, and the configuration that finds it out.
mutation() { # CONFIGURATION NAME…
  local in=$1 name
  shift
  for name; do
    [[ -v definitions[$in] ]] || { echo "ci/model.sh: there is no configuration \`$in\`" >&2; exit 2; }
    mutations+=" $name "
    [[ $wanted == '  ' || $wanted == *" $name "* ]] && jobs+=("$in $name ${definitions[$in]}")
  done
  return 0
}
declare -A definitions
mutations=

# Threads of one number, without a sweep.
configuration one OBJECTS=3 TURNS=2 STACK=1 OUT=1
configuration one-far NEAR=0 OBJECTS=3 TURNS=2 STACK=1 OUT=1
configuration three THREADS=3 OBJECTS=3 STACK=1 OUT=2
configuration below LOCAL=3 EMPTY_TOP=1 STACK=1 OUT=1
configuration limit CAPACITY=1 OBJECTS=3 STACK=1 OUT=2
configuration unregistered UNREGISTERED=1 STACK=1 TURNS=2
# Batches.
configuration flush OBJECTS=3 STACK=2 OUT=1
configuration refill OBJECTS=4 STACK=1 SHARED=2 OUT=1
configuration refill-open CAPACITY=0 OBJECTS=3 SHARED=2 OUT=1
configuration batches LOCAL=3 OBJECTS=5 STACK=1 SHARED=3 OUT=1
configuration open CAPACITY=0 OUT=2
# Threads of two numbers.
configuration two-open NUMBERS=2 MADE=2 CAPACITY=0 OUT=2
configuration two-batches NUMBERS=2 MADE=2 OBJECTS=4 STACK=2 CAPACITY1=2 OUT=2 EMPTY_TOP=1
# Sweeps.
configuration collect COLLECTS=1 STACK=1 SHARED=1 TURNS0=2
configuration collect-one COLLECTS=1 STACK=1 OUT=1
configuration collect-far NEAR=0 COLLECTS=1 STACK=1 SHARED=1
configuration collect-flush COLLECTS=1 OBJECTS=3 STACK=2 OUT=1
configuration collect-two NUMBERS=2 MADE=2 COLLECTS=1 STACK=1 STACK1=1 CAPACITY1=2
configuration collect-new NUMBERS=2 COLLECTS=1 STACK=1
configuration age AGES=1 STACK=1 VICTIMS=1
configuration lower LOWERS=1 OBJECTS=3 STACK=1 SHARED=1 VICTIMS=1
configuration two-sweeps COLLECTS=1 AGES=1 STACK=1 TURNS0=0
# First use, and a number beyond the first table.
configuration first NUMBERS=2 NEAR=2 MADE=0 OUT=2
configuration first-collect MADE=0 COLLECTS=1 OUT=1
configuration growth NUMBERS=2 LENGTH=1 OUT=2
# The fence that walks from CPU to CPU.
configuration walk WALK CPUS COLLECTS=1 STACK=1 OUT=1
configuration walk-everywhere WALK COLLECTS=1 STACK=1 OUT=1

# No thread waits for another: each execution ends, whatever the scheduler does.
configuration ends OBJECTS=3 STACK=1 SHARED=1 OUT=1
configuration ends-collect NEAR=0 COLLECTS=1 STACK=1
# The storage of a pool that is a value.
configuration owned
configuration owned-two-sweeps SWEEPS=2 IDLE=0
configuration owned-three GUARDS=3 SWEEPS=0

mutation ends attempts-without-end
mutation one number-outside start-after-number start-after-slot never-armed end-before-commit jump-after-commit spin-after-commit \
  abort-is-success abort-resumes abort-goes-behind abort-is-done abort-is-pushed pop-leaves-top commit-before-store
mutation below len-outside batch-out-ignores-len
mutation limit push-ignores-limit
mutation unregistered not-registered
mutation flush batch-out-commits-first
mutation refill batch-in-commits-first batch-ends-before-commit
mutation batches batch-in-ignores-limit
mutation open store-any-value
mutation two-open store-any-slot
mutation collect-one no-fence plain-fence late-fence no-stop-offsets publish-while-stopped early-restart
mutation collect-far running-outside no-stop
mutation collect-flush lists-before-stop
mutation first-collect listed-last start-without-exchange
mutation walk no-walk nothing-noted
mutation walk-everywhere no-walk-everywhere
mutation owned closed-comes-back enter-by-add late-drop-counts sweep-is-outside closer-is-outside \
  close-without-stop close-without-fence settle-takes-nothing

((${#jobs[@]})) || { echo "ci/model.sh: there is no configuration or mutation of this name:$wanted" >&2; exit 2; }
# A mutation of the running pool that has no counterpart in the model would be forgotten here.
for name in $(sed -nE 's/^([A-Z_]+=[a-z-]+ )?mutant ([a-z-]+).*/\2/p' ci/mutations.sh); do
  [[ $name == none || $mutations == *" $name "* ]] || {
    echo "ci/model.sh: the mutation \`$name\` of ci/mutations.sh is not one of the model's" >&2
    exit 2
  }
done

# One run, in a folder of its own. Without optimization: the compiler would take ten times as long, and the run as long.
run() { # CONFIGURATION MUTATION|- DEFINITION…
  local name=$1 mutation=$2 where=$folder/$1.$2 arguments=() model=protocol search=-DSAFETY cycles=() start=$EPOCHREALTIME status=0 found states
  shift 2
  [[ $name != owned* ]] || model=owned
  [[ $name != ends* ]] || { search=-DNP cycles=(-l); }
  rm -rf "$where"
  mkdir -p "$where"
  [[ $mutation == - ]] || arguments+=("-DMUTATION_${mutation//-/_}")
  cd "$where"
  if ! spin -a "${@/#/-D}" "${arguments[@]}" "$OLDPWD/tests/model/$model.pml" >spin.log 2>&1 ||
    ! cc -O0 "$search" -DCOLLAPSE -DNOFAIR -o pan pan.c >cc.log 2>&1; then
    cat spin.log cc.log >&2
    echo "ci/model.sh: $name $mutation: does not compile" >&2
    return 1
  fi
  ./pan -m100000 "${cycles[@]}" >pan.log 2>&1 || status=$?
  states=$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' pan.log)
  found=$(sed -n 's/^pan:1: //p' pan.log)
  if ((status)) || ! grep -q 'errors: ' pan.log || grep -qE 'max search depth too small|out of memory' pan.log; then
    echo "ci/model.sh: $name $mutation: the search is not complete, see $where/pan.log" >&2
    return 1
  fi
  printf '%-16s %-26s %9s states %5.1f s  %s\n' "$name" "${mutation#-}" "$states" \
    "$(awk "BEGIN { print $EPOCHREALTIME - $start }")" "$found"
  if [[ $mutation == - && -n $found ]]; then
    echo "ci/model.sh: $name: the protocol is broken; the steps: (cd $where && spin -k $model.pml.trail -t -p -g ${*/#/-D} $OLDPWD/tests/model/$model.pml)" >&2
    return 1
  fi
  if [[ $mutation != - && -z $found ]]; then
    echo "ci/model.sh: $name: the mutation $mutation SURVIVED" >&2
    return 1
  fi
}
export -f run
export folder
failed=0
printf '%s\n' "${jobs[@]}" | xargs -P "$(nproc)" -I{} bash -c 'run {}' || failed=1
((failed)) && { echo "ci/model.sh: failed" >&2; exit 1; }
echo "$(printf '%s\n' "${jobs[@]}" | grep -c ' - ') configurations hold, $(printf '%s\n' "${jobs[@]}" | grep -vc ' - ') mutations are found out"
