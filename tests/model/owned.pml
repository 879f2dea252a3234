/*
 * A model of the end of a pool that is a value, for spin: when its storage, which is never freed, may go to the next pool. ci/model.sh runs it.
 *
 * A statement, or a `d_step`, is one access to memory that other threads see. Objects are counted, not named: protocol.pml has what happens to
 * each. `state` has a bit, DROPPED, and the number of threads that are inside of a slow way. `left` begins with BIAS; in the end it is the
 * number of guards that are out, and the thread that brings it to zero hands the storage over.
 *
 * - A slow release enters, unless the pool is dropped, and leaves at its end. If the pool is dropped, it drops its object, and then
 *   takes one off `left`. It does not count the object as dropped.
 * - A sweep that has objects to drop is inside until it has dropped them.
 * - The drop of the pool, under the registry's lock, takes it off the list, stops it for good, fences, and sets DROPPED.
 * - The thread after which nobody is inside of a dropped pool settles: it drops what is idle, and adds what is out to `left`, less BIAS.
 */

#ifndef GUARDS
#define GUARDS 3
#endif
#ifndef SWEEPS
#define SWEEPS 1
#endif
#ifndef IDLE            /* objects on the stack, at the beginning */
#define IDLE 1
#endif
#define BIAS 100

/* The storage. */
bit running = 1;
byte stack = IDLE;
byte list;
bit locked;
byte created = GUARDS + IDLE, dropped, detached;
bit is_dropped;         /* `state`: DROPPED, and */
byte inside;            /* the number of threads inside */
short left = BIAS;

bit sweeping;           /* the registry's lock */
bit listed = 1;

/* The kernel's: guards in a sequence, and those that are aborted. */
bit sequence[GUARDS];
bit aborted[GUARDS];

/* What is true, and no thread reads. */
byte alive = GUARDS + IDLE;     /* objects that are neither dropped nor detached */
bit handed_over;
bit taking;             /* a sweep or the settling thread is at the stack */
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

/* Whoever brings `left` to zero. Nothing is touched from then on. */
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

/* The pool is dropped, and nobody is inside: the lists and the counters are still, and no sequence finds a stack. */
inline settle() {
  d_step { touch; assert(!settled); settled = 1; taking = 1 };
  n = stack;
  stack = 0;
  atomic { !locked -> locked = 1; touch };
  d_step { touch; n = n + list; list = 0; locked = 0; taking = 0 };
  d_step { touch; dropped = dropped + n };
  d_step { alive = alive - n; n = 0 };
  d_step { touch; n = created - dropped - detached };
  add_to_left(n - BIAS);
  n = 0
}
inline exit_() {
  d_step { touch; inside--; is_last = is_dropped && inside == 0 };
  if
  :: is_last -> settle()
  :: else
  fi
}
/* The way in, if the pool is not dropped. */
#ifdef MUTATION_enter_by_add
#define enter() d_step { touch; inside++; is_late = is_dropped }
#define late_exit() exit_()
#else
#define enter() d_step { touch; if :: !is_dropped -> inside++ :: else fi; is_late = is_dropped }
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
#ifdef MUTATION_late_counts
      d_step { touch; dropped++ };
#endif
      late_exit();
      add_to_left(-1)
    :: else ->
#ifdef MUTATION_come_back
      if
      :: d_step { !running; touch };
        if
        :: atomic { !sweeping -> sweeping = 1 }; d_step { touch; running = 1 }; sweeping = 0
        :: else
        fi
      :: else
      fi;
#endif
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
  bit is_last;
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
    :: n > 0 -> d_step { touch; inside++ }
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

/* The drop of the pool: no thread acquires any more. */
proctype Drop() {
  bit is_last;
  byte n;
  atomic { !sweeping -> sweeping = 1 };
  listed = 0;
#ifndef MUTATION_drop_without_stop
  d_step { touch; running = 0 };
#endif
#ifndef MUTATION_drop_without_fence
  fence();
#endif
  d_step { touch; is_dropped = 1; is_last = (inside == 0) };
  sweeping = 0;
  if
  :: is_last -> settle()
  :: else
  fi;
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
    run Drop()
  };
  ended == GUARDS + SWEEPS + 1;
  /* All guards are gone, so the storage is handed over, and `add_to_left` has seen that no object was alive. */
  assert(handed_over && stack == 0 && list == 0 && inside == 0)
}
