/*
 * A model of the end of a pool that is a value, for spin: when its storage, which is never freed, may go to the next pool. ci/model.sh runs it;
 * README.md has the counterpart of each inline.
 *
 * A statement, or a `d_step`, is one access to memory that other threads see. Objects are counted, not named: protocol.pml has what happens to
 * each. `inside` and CLOSED are one word in `life`, and so are these two here in each step that has both.
 */

#ifndef GUARDS
#define GUARDS 2
#endif
#ifndef SWEEPS
#define SWEEPS 1
#endif
#ifndef IDLE            /* objects on the stack, at the beginning */
#define IDLE 1
#endif
#define UNSETTLED 100

/* The storage. */
bit running = 1;
byte stack = IDLE;
byte list;
bit locked;
byte created = GUARDS + IDLE, dropped, detached;
bit closed;             /* CLOSED, and the number of threads inside */
byte inside;
short left = UNSETTLED;

bit sweeping;           /* the registry's lock */
bit listed = 1;

/* The kernel's: guards in a sequence, and those that are aborted. */
bit sequence[GUARDS];
bit aborted[GUARDS];

/* What is true, and no thread reads. */
byte alive = GUARDS + IDLE;     /* objects that are neither dropped nor detached */
bit handed_over;
bit taking;             /* a sweep is at the stack */
bit settled;
byte ended;

/* An access to the storage. */
#define touch assert(!handed_over)

/* A thread is preempted, or a fence reaches it. */
inline interrupt(t) {
  d_step { sequence[t]; sequence[t] = 0; aborted[t] = 1 }
}
active proctype Kernel() {
end:
  do
  :: interrupt(0)
  :: interrupt(1)
#if GUARDS > 2
  :: interrupt(2)
#endif
  od
}
inline visit(t) {
  if
  :: interrupt(t)
  :: else
  fi
}
inline fence() {
  visit(0);
  visit(1)
#if GUARDS > 2
  ; visit(2)
#endif
}

/* leave, and the end of settle: the thread that brings `left` to zero has the storage alone, and hands it over. */
inline add_to_left(n) {
  d_step {
    touch;
    left = left + (n);
    assert(left >= 0);
    if
    :: left == 0 -> assert(alive == 0); handed_over = 1
    :: else
    fi;
    skip
  }
}

/* The pool is closed, and no thread is inside: the last objects in lists are dropped, and those out counted. */
inline settle() {
  d_step { touch; assert(!settled); settled = 1 };
  atomic { !locked -> locked = 1; touch };
#ifndef MUTATION_settle_takes_nothing
  d_step { touch; n = list; list = 0 };
#endif
  d_step { touch; locked = 0 };
  d_step { touch; dropped = dropped + n };
  alive = alive - n;
  d_step { touch; n = created - dropped - detached };
  add_to_left(n - UNSETTLED);
  n = 0
}
inline exit_() {
  d_step { touch; inside--; is_last = closed && inside == 0 };
  if
  :: is_last -> settle()
  :: else
  fi
}
#ifdef MUTATION_enter_by_add
#define enter() d_step { touch; inside++; is_late = closed }
#define late_exit() exit_()
#else
#define enter() d_step { touch; if :: !closed -> inside++ :: else fi; is_late = closed }
#define late_exit() skip
#endif

/* An attempt to push in a sequence: pushed. */
inline push() {
  pushed = 0;
  {
    d_step { touch; sequence[me] = 1 };
    if
    :: d_step { running; touch };
      d_step { touch; assert(!taking); stack++; pushed = 1; sequence[me] = 0 }
    :: d_step { !running; touch; sequence[me] = 0 }
    fi
  } unless {
    d_step { aborted[me]; aborted[me] = 0 }
  }
}

proctype Guard(byte me) {
  bit pushed, is_late, is_last;
  byte n;
  if
  :: push()
  :: skip               /* a drop while unwinding, and `into_inner`, go the slow way at once */
  fi;
  if
  :: pushed
  :: else ->
    enter();
    if
    :: is_late ->
      /* Drop, or give the object to the user. */
      alive--;
#ifdef MUTATION_late_drop_counts
      d_step { touch; dropped++ };
#endif
      late_exit();
      add_to_left(-1)
    :: else ->
      /* come_back */
      if
      :: d_step { !running; touch };
        if
        :: atomic { !sweeping -> sweeping = 1 };
          if
#ifdef MUTATION_closed_comes_back
          :: d_step { !running; touch; running = 1 }
#else
          :: d_step { !running && !closed; touch; running = 1 }
#endif
          :: else
          fi;
          sweeping = 0
        :: else
        fi
      :: else
      fi;
      if
      :: push()
      :: skip
      fi;
      if
      :: pushed
      :: else ->
        if
        :: atomic { !locked -> locked = 1; touch }; d_step { touch; list++ }; d_step { touch; locked = 0 }
        :: d_step { touch; dropped++ }; alive--
        :: d_step { touch; detached++ }; alive--
        fi
      fi;
      exit_()
    fi
  fi;
  ended++
}

proctype Sweep() {
  bit is_last, is_late;
  byte n;
  atomic { !sweeping -> sweeping = 1 };
  if
  :: listed ->
    d_step { touch; running = 0 };
    fence();
    taking = 1;
    d_step { touch; n = stack; stack = 0 };
    atomic { !locked -> locked = 1; touch };
    d_step { touch; n = n + list; list = 0 };
    d_step { touch; locked = 0 };
    taking = 0;
    d_step { touch; dropped = dropped + n };
#ifndef MUTATION_sweep_is_outside
    if
    :: n > 0 -> enter()
    :: else
    fi;
#endif
    d_step { touch; running = 1 };
    sweeping = 0;
    if
    :: n > 0 ->
      /* The objects' `Drop` is code of the pool's user; the end gives back their charge, which is in the storage. */
      alive = alive - n;
      d_step { touch; n = 0 };
#ifndef MUTATION_sweep_is_outside
      exit_()
#endif
    :: else
    fi
  :: else -> sweeping = 0
  fi;
  ended++
}

/* The drop of the pool. No thread acquires any more. */
proctype Close() {
  bit is_last, is_late;
  byte n;
#ifndef MUTATION_closer_is_outside
  enter();
#endif
  atomic { !sweeping -> sweeping = 1 };
#ifndef MUTATION_close_without_stop
  d_step { touch; running = 0 };
#endif
#ifndef MUTATION_close_without_fence
  fence();
#endif
  listed = 0;
  taking = 1;
  d_step { touch; n = stack; stack = 0 };
  taking = 0;
  atomic { !locked -> locked = 1; touch };
  d_step { touch; n = n + list; list = 0 };
  d_step { touch; locked = 0 };
  d_step { touch; dropped = dropped + n };
  d_step { touch; closed = 1 };
  sweeping = 0;
  d_step { touch; alive = alive - n; n = 0 };
#ifndef MUTATION_closer_is_outside
  exit_();
#endif
  ended++
}

init {
  byte i;
  atomic {
    i = 0;
    do
    :: i < GUARDS -> run Guard(i); i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < SWEEPS -> run Sweep(); i++
    :: else -> break
    od;
    run Close()
  };
  ended == GUARDS + SWEEPS + 1;
  /* All guards are gone, so the storage is handed over, and `add_to_left` has seen that no object was alive. */
  assert(handed_over && stack == 0 && list == 0 && inside == 0)
}
