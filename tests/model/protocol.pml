/*
 * A model of the pool's protocol on restartable sequences, for spin. ci/model.sh runs it; README.md has the counterpart of each inline.
 *
 * A statement, or a `d_step`, is one access to memory that other threads see: between any two of them any other thread may come, or the
 * kernel. An object is a number, 1 to OBJECTS, and a slot is the number of its threads. Each configuration is a set of definitions.
 *
 * A thread has a number while it is in a sequence only. That is more than the kernel does: a thread that runs outside of a sequence keeps its
 * number from no other. A sequence that is aborted is not begun again by itself: an aborted attempt has no effect, so a second attempt is a
 * first one that began later.
 *
 * Memory is sequentially consistent here. So the model says nothing about an ordering: those of a slot's publication, of the lists' lengths
 * and of the registry's lock are in the loom models, and the kernel's barriers are in the documentation of `sequence` and `membarrier`.
 */

#ifndef THREADS
#define THREADS 2
#endif
#ifndef NUMBERS         /* the numbers that threads may have at a time */
#define NUMBERS 1
#endif
#ifndef OBJECTS
#define OBJECTS 2
#endif
#ifndef TURNS           /* acquires and releases of each thread */
#define TURNS 1
#endif
#ifndef TURNS0          /* of the first thread */
#define TURNS0 TURNS
#endif
#ifndef NEAR            /* the numbers that have an offset: OFFSETS in `offsets` */
#define NEAR 1
#endif
#ifndef LENGTH          /* the numbers in the first table; the others are beyond it */
#define LENGTH NUMBERS
#endif
#ifndef LOCAL           /* the largest capacity of a local stack, with its top */
#define LOCAL 2
#endif
#ifndef FIRST           /* FIRST_CAPACITY */
#define FIRST 2
#endif
#ifndef MAX             /* max_idle, at the beginning */
#define MAX (2 * NUMBERS * LOCAL)
#endif
#ifndef LOWER_TO
#define LOWER_TO 1
#endif
#ifndef COLLECTS        /* threads that collect, age, and lower the bound, once each */
#define COLLECTS 0
#endif
#ifndef AGES
#define AGES 0
#endif
#ifndef LOWERS
#define LOWERS 0
#endif
#define SWEEPS (COLLECTS + AGES + LOWERS)
/* How the pool is when the threads begin: unused, or with slots 0 to MADE - 1, of which slot 0 has this capacity and so many objects. */
#ifndef MADE
#define MADE 1
#endif
#ifndef CAPACITY
#define CAPACITY LOCAL
#endif
#ifndef CAPACITY1
#define CAPACITY1 0
#endif
#ifndef STACK
#define STACK 0
#endif
#ifndef STACK1
#define STACK1 0
#endif
#ifndef EMPTY_TOP       /* 1: the objects of stacks lie below the top */
#define EMPTY_TOP 0
#endif
#ifndef SHARED
#define SHARED 0
#endif
#ifndef VICTIMS
#define VICTIMS 0
#endif
#ifndef OUT             /* so many threads begin with an object */
#define OUT 0
#endif

#define ENTRIES (LOCAL - 1)

/* What is no number, no slot, no object. */
#define NONE 15
#define CLOSED 14
#define ABORTED 13
#define MISSED 12
#define DONE 11
#define is_object(o) (o >= 1 && o <= OBJECTS)

/* ---- The words of a pool. */

byte running;                   /* UNSTARTED, STOPPED, or STOPPED and the number of slots */
#define UNSTARTED 0
#define STOPPED 1
#define running_slots (running > STOPPED -> running - STOPPED : 0)
bit slots, area;                /* the other words that a start writes */
bit listed;                     /* the registration */
bit made[NUMBERS];              /* a slot in a table */
mtype = { unset, found, stopped };
mtype offset[NUMBERS] = unset;

byte top[NUMBERS] = CLOSED;
byte stacked[NUMBERS];
byte stack_limit[NUMBERS];
byte entry[NUMBERS * LOCAL];
#define at_entry(s, i) entry[(s) * LOCAL + (i)]
#define capacity_of(s) (stack_limit[s] + (top[s] != CLOSED))
mtype = { neither, refill, flush };
mtype last_batch[NUMBERS] = neither;

/* List 2s is the shared list of slot s, and 2s + 1 its victims. */
#define LISTS (2 * NUMBERS)
bit locked[LISTS];
byte hint[LISTS];               /* `len`, as the last holder left it */
byte length[LISTS];             /* of the vector */
byte object[LISTS * OBJECTS];
#define in_list(l, i) object[(l) * OBJECTS + (i)]
#define shared(s) (2 * (s))
#define victims(s) (2 * (s) + 1)

byte charged, max_idle = MAX;
bit sweeping;                   /* the registry's lock */

/* ---- The kernel: whether a thread runs in a sequence, with which number. */

byte num[THREADS] = NONE;       /* of a thread that has not been interrupted since it read its number */
bit armed[THREADS];             /* rseq_cs leads to a descriptor */
bit inside[THREADS];            /* the thread is between the descriptor's addresses */
bit aborted[THREADS];           /* the thread goes on at the abort's address */
#ifdef CPUS
bit noted[NUMBERS];
#endif

/* A thread is preempted, moved or signalled: it has no number from then on, and if the kernel knows that it is in a sequence, it is aborted. */
inline interrupt(t) {
  d_step {
    num[t] != NONE;
    aborted[t] = armed[t] && inside[t];
    num[t] = NONE;
    armed[t] = 0;
    inside[t] = 0
  }
}
active proctype Kernel() {
end:
  do
  :: interrupt(0)
  :: interrupt(1)
#if THREADS > 2
  :: interrupt(2)
#endif
  od
}

/* ---- Where each object really is. No step of the pool reads this. */

byte where[OBJECTS + 1];        /* FREE, IDLE, HELD and a thread, TAKEN and a sweep */
#define FREE 0
#define IDLE 1
#define HELD 2
#define TAKEN 8
bit due[OBJECTS + 1];           /* idle when the sweep began, and not acquired since */
bit taking;                     /* a sweep is at the stacks */
byte ended;

/* An object leaves the pool for a thread, or comes back. */
inline takes(o) {
  assert(is_object(o));         /* no stale entry, no empty one */
  assert(where[o] == IDLE);     /* nor in two places */
  where[o] = HELD + me;
  due[o] = 0
}
inline gives(o) {
  assert(where[o] == HELD + me);
  where[o] = IDLE
}

/* ---- Sequences. */

#ifdef MUTATION_never_armed
#define ARM 0
#else
#define ARM 1
#endif
#if defined(MUTATION_start_after_number) || defined(MUTATION_start_after_slot)
#define INSIDE 0
#else
#define INSIDE 1
#endif

/* A number that no running thread has. */
#if THREADS == 2
#define is_free(n) (num[0] != n && num[1] != n)
#else
#define is_free(n) (num[0] != n && num[1] != n && num[2] != n)
#endif
inline choose_free() {
  if
  :: is_free(0) -> n = 0
#if NUMBERS > 1
  :: is_free(1) -> n = 1
#endif
  fi;
  num[me] = n
}

/* The descriptor, and the number. A thread whose area is not registered reads zero, the kernel does not know of it, and it misses. */
#ifdef UNREGISTERED
#define is_registered (me != UNREGISTERED)
#else
#define is_registered 1
#endif
inline begin() {
  if
#ifdef UNREGISTERED
  :: !is_registered -> n = 0
  :: else ->
#else
  ::
#endif
#ifdef MUTATION_number_outside
    atomic { choose_free() };
    d_step { armed[me] = (num[me] != NONE); inside[me] = armed[me] }
#else
    atomic { choose_free(); armed[me] = ARM; inside[me] = INSIDE };
#endif
#ifdef MUTATION_start_after_number
    inside[me] = 1
#endif
  fi
}

/* The slot of the number, or NONE: then the thread has come to a closed slot, or has jumped. */
#ifdef MUTATION_running_outside
#define bounds_check (n < seen)
#else
#define bounds_check (n < running_slots)
#endif
#if defined(UNREGISTERED) && !defined(MUTATION_not_registered)
#define is_found is_registered
#else
#define is_found 1
#endif
inline find_by_table() {
  if
  :: is_found && bounds_check -> assert(slots); at = (made[n] -> n : NONE)
  :: else
  fi
#ifdef MUTATION_start_after_slot
  ; inside[me] = 1
#endif
}
inline find_by_offset() {
  if
#if NEAR > 0
  :: d_step { is_found && n < NEAR; assert(offset[n] != found || made[n]); at = (offset[n] == found -> n : NONE) }
#endif
#if NEAR < NUMBERS
  :: n >= NEAR -> find_by_table()
#endif
  :: else
  fi
#ifdef MUTATION_start_after_slot
  ; inside[me] = 1
#endif
}

/* Reads that a mutation moves in front of the sequence. */
#if defined(MUTATION_running_outside)
#define OUTSIDE_POP OUTSIDE
#define OUTSIDE seen = running_slots;
#elif defined(MUTATION_len_outside)
#define OUTSIDE_POP \
  if \
  :: n = 0 \
  :: n = NUMBERS - 1 \
  fi; \
  d_step { if :: n < running_slots && made[n] -> seen = stacked[n] :: else -> seen = 0 fi };
#define OUTSIDE
#else
#define OUTSIDE_POP
#define OUTSIDE
#endif

/* The end: a sequence's registers are forgotten. Behind a commit it is one step with it. */
inline leave() {
  num[me] = NONE;
  armed[me] = 0;
  inside[me] = 0;
  n = 0;
  at = NONE;
  word = 0;
  count = 0;
  seen = 0
}
inline missed(condition, result) {
  d_step { condition; r = result; leave() }
}

/* In front of a commit, and behind it. */
#ifdef MUTATION_end_before_commit
#define BEFORE_COMMIT(condition) d_step { condition; inside[me] = 0 };
#else
#define BEFORE_COMMIT(condition)
#endif
#ifdef MUTATION_batch_ends_before_commit
#define BEFORE_BATCH_COMMIT inside[me] = 0;
#else
#define BEFORE_BATCH_COMMIT
#endif
#if defined(MUTATION_spin_after_commit) || defined(MUTATION_jump_after_commit)
#define LEAVE skip }; d_step { leave()
#else
#define LEAVE leave()
#endif
/* No sequence commits while a sweep is at the stacks. */
inline commits() {
  assert(!taking);
  assert(at != NONE)
}

/* The object in r, or zero, or ABORTED. */
#ifdef MUTATION_len_outside
#define stacked_then seen
#else
#define stacked_then stacked[at]
#endif
inline pop() {
  OUTSIDE_POP
  {
    begin();
    find_by_offset();
    if
    :: missed(at == NONE, 0)
    :: d_step { at != NONE; r = top[at] };
      if
      :: BEFORE_COMMIT(is_object(r)) d_step {
          is_object(r);
          commits();
          takes(r);
#ifndef MUTATION_pop_leaves_top
          top[at] = 0;
#endif
          LEAVE
        }
      :: d_step { !is_object(r); count = stacked_then };
        if
        :: missed(count == 0, 0)
        :: d_step { count > 0; r = at_entry(at, count - 1) };
          BEFORE_COMMIT(true)
          d_step {
            commits();
            takes(r);
            stacked[at] = count - 1;
            at_entry(at, count - 1) = 0;        /* an entry above is stale: it is never read, and is zero here */
            LEAVE
          }
        fi
      fi
    fi
  } unless {
    aborted[me];
    d_step {
      aborted[me] = 0;
#ifdef MUTATION_abort_is_success
      r = (is_object(r) -> r : 0);
#else
      r = ABORTED;
#endif
      leave()
    }
  }
}

/* `held` onto the stack: DONE, MISSED or ABORTED in r. */
inline push() {
  OUTSIDE
  {
    begin();
    find_by_offset();
    if
    :: missed(at == NONE, MISSED)
    :: d_step { at != NONE; word = top[at] };
      if
      :: BEFORE_COMMIT(word == 0) d_step { word == 0; commits(); gives(held); top[at] = held; r = DONE; LEAVE }
      :: d_step { word != 0; count = stacked[at] };
        if
#ifndef MUTATION_push_ignores_limit
        :: missed(count >= stack_limit[at], MISSED)
#endif
#ifdef MUTATION_commit_before_store
        :: count < stack_limit[at] -> stacked[at] = count + 1;
          at_entry(at, count) = held;
#elif defined(MUTATION_push_ignores_limit)
        :: d_step { assert(count < ENTRIES); at_entry(at, count) = held };
#else
        :: d_step { count < stack_limit[at]; assert(count < ENTRIES); at_entry(at, count) = held };
#endif
          BEFORE_COMMIT(true)
          d_step { commits(); gives(held); stacked[at] = count + 1; r = DONE; LEAVE }
        fi
      fi
    fi
  } unless {
    aborted[me];
    d_step {
      aborted[me] = 0;
#if defined(MUTATION_abort_goes_behind)
      r = DONE;
#elif defined(MUTATION_abort_resumes)
      if
      :: at != NONE -> gives(held); top[at] = held; r = DONE
      :: else -> r = ABORTED
      fi;
#else
      r = ABORTED;
#endif
#ifdef MUTATION_abort_is_done
      if :: !is_slow -> r = DONE :: else fi;
#endif
#ifdef MUTATION_abort_is_pushed
      if :: is_slow -> r = DONE :: else fi;
#endif
      leave()
    }
  }
}

#ifdef MUTATION_abort_is_success
#define batch_aborted() r = most
#else
#define batch_aborted() r = 0
#endif

/* Up to `most` objects from below the top to the end of list l, which this thread has locked: their number in r. */
inline pop_many(l) {
  OUTSIDE
  {
    begin();
    find_by_table();
    if
    :: missed(at == NONE, 0)
    :: d_step {
        at != NONE;
        count = stacked[at];
#ifndef MUTATION_batch_out_ignores_len
        most = (most > count -> count : most);
#endif
        skip
      };
      if
      :: missed(most == 0, 0)
      :: most > 0 ->
#ifdef MUTATION_batch_out_commits_first
        stacked[at] = count - most;
#endif
        d_step {
          word = 0;
          do
          :: word < most ->
            assert(count >= most);
            in_list(l, length[l] + word) = at_entry(at, count - most + word);
            word++
          :: else -> break
          od
        };
        BEFORE_BATCH_COMMIT
        d_step {
          commits();
          stacked[at] = count - most;
          word = 0;
          do
          :: word < most -> assert(is_object(at_entry(at, count - most + word))); at_entry(at, count - most + word) = 0; word++
          :: else -> break
          od;
          r = most;
          leave()
        }
      fi
    fi
  } unless {
    aborted[me];
    d_step { aborted[me] = 0; batch_aborted(); leave() }
  }
}

/* Up to `most` objects from the end of list l, which this thread has locked, onto the stack, below the top: their number in r. */
inline push_many(l) {
  OUTSIDE
  {
    begin();
    find_by_table();
    if
    :: missed(at == NONE, 0)
    :: d_step { at != NONE; count = stacked[at] };
      if
      :: missed(stack_limit[at] <= count, 0)
      :: d_step {
          stack_limit[at] > count;
#ifndef MUTATION_batch_in_ignores_limit
          most = (most > stack_limit[at] - count -> stack_limit[at] - count : most);
#endif
          skip
        };
#ifdef MUTATION_batch_in_commits_first
        stacked[at] = count + most;
#endif
        d_step {
          word = 0;
          do
          :: word < most ->
            assert(count + word < ENTRIES);
            at_entry(at, count + word) = in_list(l, length[l] - most + word);
            word++
          :: else -> break
          od
        };
        BEFORE_BATCH_COMMIT
        d_step { commits(); stacked[at] = count + most; r = most; leave() }
      fi
    fi
  } unless {
    aborted[me];
    d_step { aborted[me] = 0; batch_aborted(); leave() }
  }
}

/* A word of slot `own` from its old value to the new one: DONE, MISSED or ABORTED in r. */
inline store_if(word_of, old, new) {
  OUTSIDE
  {
    begin();
    find_by_table();
    if
#ifdef MUTATION_store_any_slot
    :: missed(at == NONE, MISSED)
    :: at != NONE ->
#else
    :: missed(at != own, MISSED)
    :: at == own ->
#endif
      if
#ifdef MUTATION_store_any_value
      :: true ->
#else
      :: missed(word_of != old, MISSED)
      :: word_of == old ->
#endif
        d_step { commits(); word_of = new; r = DONE; leave() }
      fi
    fi
  } unless {
    aborted[me];
    d_step {
      aborted[me] = 0;
#if defined(MUTATION_abort_resumes)
      word_of = new;
      r = DONE;
#elif defined(MUTATION_abort_goes_behind)
      r = DONE;
#else
      r = ABORTED;
#endif
      leave()
    }
  }
}

/* ---- The bound and the lists. */

/* Charges as much of `amount` as the limit allows. */
inline charge(amount) {
  d_step {
    word = (max_idle > charged -> max_idle - charged : 0);
    if :: amount > word -> amount = word :: else fi;
    charged = charged + amount;
    word = 0
  }
}
inline give_back(amount) {
  d_step { assert(charged >= amount); charged = charged - (amount) }
}
/* The holder stores the length, and then leaves the lock. */
inline unlock(l) {
  hint[l] = length[l];
  locked[l] = 0
}

/* ---- The storage. */

inline stop() {
#ifndef MUTATION_no_stop
  running = STOPPED;
#endif
#ifndef MUTATION_no_stop_offsets
#if NEAR > 0
  offset[0] = stopped;
#endif
#if NEAR > 1 && LENGTH > 1
  offset[1] = stopped;
#endif
#endif
  skip
}
inline restart() {
#if NEAR > 0
  offset[0] = unset;
#endif
#if NEAR > 1 && LENGTH > 1
  offset[1] = unset;
#endif
  running = STOPPED + LENGTH
}

/* A number that this thread had a moment ago: any. */
inline slot_or_make() {
  if
  :: own = 0
#if NUMBERS > 1
  :: own = 1
#endif
  fi;
  if
  :: made[own]
  :: else ->
#ifdef CPUS
#ifndef MUTATION_nothing_noted
    noted[own] = 1;
#endif
#endif
#ifndef MUTATION_listed_last
    listed = 1;
#endif
    slots = 1;
    area = 1;
#ifdef MUTATION_start_without_exchange
    running = STOPPED + LENGTH;
#else
    d_step { if :: running == UNSTARTED -> running = STOPPED + LENGTH :: else fi };
#endif
    made[own] = 1
#ifdef MUTATION_listed_last
    ; listed = 1
#endif
  fi;
  assert(area);
  /* publish */
  if
#ifdef MUTATION_publish_while_stopped
  :: own < NEAR -> offset[own] = found
  :: else
#else
  :: own < running_slots ->
    if
    :: own < NEAR -> d_step { if :: offset[own] == unset -> offset[own] = found :: else fi }
    :: else
    fi
  :: else ->
    /* come_back */
    if
    :: running == STOPPED ->
      if
      :: atomic { !sweeping -> sweeping = 1 };
        if
        :: running == STOPPED -> restart()
        :: else
        fi;
        sweeping = 0
      :: else
      fi
    :: else
    fi
#endif
  fi
}

/* The capacity of slot `own` changes, before a batch goes this way. */
inline resize(way) {
  d_step { same_way = (last_batch[own] == way); grown = (last_batch[own] != neither) };
  d_step { last_batch[own] = way; more = stack_limit[own] };
  d_step {
    /* From the capacity that is to the capacity that is to be. */
    more = more + (top[own] != CLOSED);
    grown = (more == 0 -> FIRST : (grown -> 2 * more : more));
    if :: grown > LOCAL -> grown = LOCAL :: else fi;
    if :: grown > max_idle / (2 * NUMBERS) -> grown = max_idle / (2 * NUMBERS) :: else fi;
    more = (grown > more -> grown - more : 0);
    grown = 0
  };
  if
  :: more > 0 ->
    charge(more);
    if
    :: more > 0 && top[own] == CLOSED ->
      store_if(top[own], CLOSED, 0);
      d_step { grown = (r == DONE); r = 0 }
    :: else
    fi;
    limit = stack_limit[own];
    if
    :: limit + more - grown <= ENTRIES && more > grown && top[own] != CLOSED ->
      store_if(stack_limit[own], limit, limit + more - grown);
      d_step { if :: r == DONE -> grown = more :: else fi; r = 0 }
    :: else
    fi;
    give_back(more - grown);
    d_step { more = 0; grown = 0; limit = 0 }
  :: else
  fi
}

/* Into slot `own`, from a list that this thread has locked: at most so many objects. Their number is in r. */
inline refill_from(l) {
  resize(refill);
  d_step { most = capacity_of(own); most = (same_way -> most : (most + 1) / 2); same_way = 0 };
  d_step {
    word = (stack_limit[own] > stacked[own] -> stack_limit[own] - stacked[own] : 0);
    if :: most > word -> most = word :: else fi;
    word = (l / 2 == own -> length[l] : length[l] / 2);
    if :: most > word -> most = word :: else fi;
    word = 0
  };
  if
  :: most > 0 ->
    push_many(l);
    d_step {
      do
      :: word < r -> length[l]--; in_list(l, length[l]) = 0; word++
      :: else -> break
      od;
      word = 0;
      most = 0
    }
  :: else
  fi
}

inline acquire() {
  do
  :: pop();
    if
#ifdef MUTATION_attempts_without_end
    :: is_slow && r == ABORTED
#endif
    :: is_object(r) || is_slow -> break
    :: else -> d_step { is_slow = 1; r = 0 }; slot_or_make()
    fi
  od;
  is_slow = 0;
  d_step { held = (is_object(r) -> r : 0); r = 0 };
  /* The shared lists, the own one first, and then the victims. */
  do
  :: d_step {
      held == 0 && other < 2 * NUMBERS;
      list = (other < NUMBERS -> shared((own + other) % NUMBERS) : victims((own + other) % NUMBERS));
      other++
    };
    if
    :: hint[list] > 0 ->
      if
      :: atomic { !locked[list] -> locked[list] = 1 };
        if
        :: d_step { length[list] > 0; length[list]--; held = in_list(list, length[list]); in_list(list, length[list]) = 0; takes(held) };
          if
          :: list % 2 == 0 -> refill_from(list)
          :: else
          fi;
          unlock(list);
          give_back(1 + r);
          r = 0
        :: else -> unlock(list)
        fi
      :: else
      fi
    :: else
    fi
  :: else -> break
  od;
  own = 0;
  d_step {
    list = 0;
    other = 0;
    /* create: beyond OBJECTS the turn ends without an object. */
    word = 1;
    do
    :: held == 0 && word <= OBJECTS ->
      if :: where[word] == FREE -> held = word; where[word] = HELD + me :: else fi;
      word++
    :: else -> break
    od;
    word = 0;
    assert(held == 0 || where[held] == HELD + me)
  }
}

/* From slot `own` to its shared list, which this thread has locked. */
inline flush_batch() {
  d_step { most = stacked[own]; most = (same_way -> most : (most + 1) / 2); same_way = 0 };
  charge(most);
  if
  :: most > 0 ->
    more = most;
    pop_many(shared(own));
    d_step { length[shared(own)] = length[shared(own)] + r };
    give_back(more - r);
    d_step { r = 0; most = 0; more = 0 }
  :: else
  fi
}

inline release() {
  do
  :: push();
    if
    :: r == DONE -> d_step { held = 0; r = 0 }; break
    :: else -> r = 0
    fi;
    if
    :: !is_slow ->
      is_slow = 1;
      slot_or_make();
      if
      :: stack_limit[own] <= stacked[own] && top[own] != 0 -> resize(flush)
      :: else
      fi
    :: is_slow && !locks ->
      if
      :: atomic { !locked[shared(own)] -> locked[shared(own)] = 1; locks = 1 }; flush_batch()
      :: else -> break
      fi
    :: else -> break
    fi
  od;
  if
  :: locks -> unlock(shared(own)); locks = 0
  :: else
  fi;
  d_step { is_slow = 0; same_way = 0 };
  if
  :: held > 0 ->
    more = 1;
    charge(more);
    if
    :: more == 1 ->
      do
      :: held > 0 && other < NUMBERS ->
        d_step { list = shared((own + other) % NUMBERS); other++ };
        if
        :: atomic { made[list / 2] && !locked[list] -> locked[list] = 1 };
          d_step { gives(held); in_list(list, length[list]) = held; length[list]++; held = 0 };
          unlock(list)
        :: else
        fi
      :: else -> break
      od;
      if
      :: held > 0 -> give_back(1)
      :: else
      fi
    :: else
    fi;
    d_step {
      /* drop_object */
      if :: held > 0 -> where[held] = FREE; held = 0 :: else fi;
      more = 0;
      list = 0;
      other = 0
    }
  :: else
  fi;
  own = 0
}

proctype Thread(byte me; byte held) {
  byte turns = (me == 0 -> TURNS0 : TURNS);
  byte n, word, count, seen, r, most, own, other, list, more, grown, limit;
  byte at = NONE;
  bit is_slow, same_way, locks;
  do
  :: turns > 0 ->
    turns--;
    if
    :: held == 0 -> acquire()
    :: else -> release()
    fi
  :: d_step { turns == 0; if :: held > 0 -> where[held] = FREE :: else fi; held = 0; ended++ }; break
  od
}

/* ---- Sweeps. */

/* The interrupt of `membarrier`, or of a walk: of one thread after the other. */
inline visit(t) {
  if
  :: interrupt(t)
  :: else
  fi
}
#ifdef CPUS
/* The walking thread is on this CPU, if the CPU has a slot, so no other thread is. */
inline visit_cpu(c) {
  atomic {
    if
    :: noted[c] && num[0] == c -> interrupt(0)
    :: noted[c] && num[1] == c -> interrupt(1)
#if THREADS > 2
    :: noted[c] && num[2] == c -> interrupt(2)
#endif
    :: else
    fi
  }
}
#endif
inline fence() {
#if defined(MUTATION_no_fence) || defined(MUTATION_plain_fence)
  skip
#elif defined(WALK) && defined(MUTATION_no_walk)
  skip
#elif defined(WALK) && defined(CPUS)
  visit_cpu(0)
#if NUMBERS > 1
  ; visit_cpu(1)
#endif
#elif defined(WALK) && defined(MUTATION_no_walk_everywhere)
  skip
#else
  visit(0);
  visit(1);
#if THREADS > 2
  visit(2);
#endif
  skip
#endif
}

inline lock_list(l) {
  atomic { !locked[l] -> locked[l] = 1 }
}
/* An object is the sweep's. */
inline takes_out(o) {
  assert(is_object(o));
  assert(where[o] == IDLE);
  where[o] = TAKEN + me;
  due[o] = 0
}

/* All objects of a list, into the bag. */
inline emptied(l) {
  seen = locked[l];
  if
  :: seen
  :: else -> seen = (hint[l] > 0)
  fi;
  if
  :: seen ->
    seen = 0;
    lock_list(l);
    d_step {
      i = 0;
      do
      :: i < length[l] -> takes_out(in_list(l, i)); bag[bagged] = in_list(l, i); bagged++; in_list(l, i) = 0; i++
      :: else -> break
      od;
      length[l] = 0;
      i = 0
    };
    unlock(l)
  :: else
  fi
}

inline set_capacity(s, capacity) {
  d_step {
    stack_limit[s] = (capacity > 0 -> capacity - 1 : 0);
    top[s] = (capacity > 0 && top[s] == CLOSED -> 0 : top[s])
  }
}
/* All objects of a stack, into the bag. The capacity is `target` then, as far as the bound allows. */
inline emptied_to(s, target) {
  d_step {
    rest = capacity_of(s);
    i = 0;
    do
    :: i < stacked[s] -> takes_out(at_entry(s, i)); bag[bagged] = at_entry(s, i); bagged++; rest--; at_entry(s, i) = 0; i++
    :: else -> break
    od;
    stacked[s] = 0;
    if :: is_object(top[s]) -> takes_out(top[s]); bag[bagged] = top[s]; bagged++; rest-- :: else fi;
    top[s] = CLOSED;
    i = 0
  };
  d_step { more = (rest > target -> rest - target : 0) };
  give_back(more);
  d_step { more = (target > rest -> target - rest : 0); rest = (rest > target -> target : rest) };
  charge(more);
  set_capacity(s, rest + more);
  d_step { rest = 0; more = 0 }
}
#if COLLECTS > 0
inline take_all() {
  do
  :: slot < NUMBERS ->
    if
    :: made[slot] ->
      if
      :: !is_object(top[slot]) && stacked[slot] == 0        /* is_known_empty */
      :: else -> target = capacity_of(slot); emptied_to(slot, target)
      fi;
#ifndef MUTATION_lists_before_stop
      emptied(shared(slot));
#endif
      emptied(victims(slot));
      d_step { target = 0; bagged = 0 }
    :: else
    fi;
    slot++
  :: else -> slot = 0; break
  od
}

#endif

#if AGES > 0
inline take_aged() {
  do
  :: slot < NUMBERS ->
    if
    :: made[slot] ->
      d_step {
        target = capacity_of(slot);
        target = (last_batch[slot] != neither -> target : (target + 1) / 2);
        last_batch[slot] = neither
      };
      emptied_to(slot, target);
      target = 0;
      emptied(shared(slot));
      lock_list(victims(slot));
      d_step {
        i = 0;
        do
        :: i < length[victims(slot)] -> takes_out(in_list(victims(slot), i)); in_list(victims(slot), i) = 0; i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < bagged -> in_list(victims(slot), i) = bag[i]; where[bag[i]] = IDLE; i++
        :: else -> break
        od;
        length[victims(slot)] = bagged;
        bagged = 0;
        i = 0
      };
      unlock(victims(slot))
    :: else
    fi;
    slot++
  :: else -> slot = 0; break
  od
}

#endif

#if AGES > 0 || LOWERS > 0
/* The part of the charge above the limit, without the objects that the sweep has taken: those are charged until they are dropped. */
inline excess() {
  d_step {
    rest = (charged > max_idle -> charged - max_idle : 0);
    i = 1;
    do
    :: i <= OBJECTS -> if :: rest > 0 && where[i] == TAKEN + me -> rest-- :: else fi; i++
    :: else -> break
    od;
    i = 0
  }
}

/* Takes the objects above the bound out of a list, from its beginning on. */
inline shed(l) {
  lock_list(l);
  excess();
  d_step {
    if :: rest > length[l] -> rest = length[l] :: else fi;
    i = 0;
    do
    :: i < length[l] ->
      if
      :: i < rest -> takes_out(in_list(l, i))
      :: else -> in_list(l, i - rest) = in_list(l, i)
      fi;
      i++
    :: else -> break
    od;
    do
    :: rest > 0 -> rest--; length[l]--; in_list(l, length[l]) = 0
    :: else -> break
    od;
    i = 0
  };
  unlock(l)
}

/* Takes the excess: the stacks' places first, then victims, then shared objects, and then those of the stacks. */
inline take_excess() {
  excess();
  if
  :: rest > 0 ->
    rest = 0;
    do
    :: slot < NUMBERS ->
      if
      :: made[slot] ->
        before[slot] = capacity_of(slot);
        emptied_to(slot, target)     /* which is zero */
      :: else
      fi;
      /* The bag has the objects of this stack up to here. They are idle: none is to be dropped yet. */
      d_step {
        upto[slot] = bagged;
        i = (slot > 0 -> upto[0] : 0);
        do
        :: i < bagged -> where[bag[i]] = IDLE; i++
        :: else -> break
        od;
        i = 0;
        slot++
      }
    :: else -> slot = 0; break
    od;
    do
    :: slot < NUMBERS -> if :: made[slot] -> shed(victims(slot)) :: else fi; slot++
    :: else -> slot = 0; break
    od;
    do
    :: slot < NUMBERS -> if :: made[slot] -> shed(shared(slot)) :: else fi; slot++
    :: else -> slot = 0; break
    od;
    do
    :: slot < NUMBERS && !made[slot] -> slot++
    :: slot < NUMBERS && made[slot] ->
      excess();
      d_step {
        i = (slot > 0 -> upto[0] : 0);
        do
        :: rest > 0 && i < upto[slot] -> takes_out(bag[i]); rest--; i++
        :: else -> break
        od;
        rest = 0
      };
      lock_list(shared(slot));
      d_step {
        do
        :: i < upto[slot] -> in_list(shared(slot), length[shared(slot)]) = bag[i]; length[shared(slot)]++; i++
        :: else -> break
        od;
        i = 0
      };
      unlock(shared(slot));
      more = (before[slot] > max_idle / (2 * NUMBERS) -> max_idle / (2 * NUMBERS) : before[slot]);
      charge(more);
      set_capacity(slot, capacity_of(slot) + more);
      d_step { more = 0; before[slot] = 0; slot++ }
    :: else -> slot = 0; break
    od;
    bagged = 0;
    d_step { upto[0] = 0; upto[NUMBERS - 1] = 0 }
  :: else
  fi
}

#endif

#define COLLECT 0
#define AGE 1
#define LOWER 2

#if SWEEPS > 0
proctype Sweep(byte me; byte kind) {
  byte slot, i, word, rest, more, target, seen, bagged;
  byte bag[OBJECTS];
  byte before[NUMBERS], upto[NUMBERS];
  if
  :: kind == LOWER -> max_idle = LOWER_TO
  :: else
  fi;
  atomic { !sweeping -> sweeping = 1 };
  d_step {
    i = 1;
    do
    :: i <= OBJECTS -> due[i] = (kind == COLLECT && where[i] == IDLE); i++
    :: else -> break
    od;
    i = 0
  };
  if
  :: kind == COLLECT && !listed
  :: else ->
    if
    :: running != UNSTARTED ->
#ifdef MUTATION_lists_before_stop
      emptied(shared(0));
      bagged = 0;
#endif
      stop();
#ifndef MUTATION_late_fence
      fence();
#endif
#ifdef MUTATION_early_restart
      restart();
#endif
      taking = 1;
      if
#if COLLECTS > 0
      :: kind == COLLECT -> take_all()
#endif
#if AGES > 0
      :: kind == AGE -> take_aged(); take_excess()
#endif
#if LOWERS > 0
      :: kind == LOWER -> take_excess()
#endif
      fi;
      taking = 0;
#ifdef MUTATION_late_fence
      fence();
#endif
      restart()
    :: else
    fi
  fi;
  d_step {
    /* The sweep has all that was idle when it began, but for what was acquired since. */
    i = 1;
    do
    :: i <= OBJECTS -> assert(!due[i]); i++
    :: else -> break
    od;
    i = 1;
    sweeping = 0
  };
  /* drop_all: each object is charged until it is dropped. */
  do
  :: i <= OBJECTS ->
    if
    :: where[i] == TAKEN + me -> where[i] = FREE; give_back(1)
    :: else
    fi;
    i++
  :: else -> break
  od;
  ended++
}

#endif

/* ---- The beginning and the end. */

byte made_objects;

inline make() {
  made_objects++;
  assert(made_objects <= OBJECTS);
  where[made_objects] = IDLE
}
/* Slot s with this capacity and so many objects on its stack. */
inline set_up(s, capacity, n) {
  made[s] = 1;
  if :: s < NEAR && s < LENGTH -> offset[s] = found :: else fi;
  charged = charged + capacity;
  if
  :: capacity > 0 ->
    top[s] = 0;
    stack_limit[s] = capacity - 1;
    i = EMPTY_TOP;
    do
    :: i < n + EMPTY_TOP && i == 0 -> make(); top[s] = made_objects; i++
    :: i < n + EMPTY_TOP && i > 0 -> make(); at_entry(s, i - 1) = made_objects; stacked[s]++; i++
    :: else -> break
    od
  :: else
  fi
}
inline fill(l, n) {
  i = 0;
  do
  :: i < n -> make(); in_list(l, i) = made_objects; charged++; i++
  :: else -> break
  od;
  length[l] = n;
  hint[l] = n
}

init {
  byte i, l, o, places;
  d_step {
    if
    :: MADE > 0 ->
      listed = 1;
      slots = 1;
      area = 1;
      running = STOPPED + LENGTH;
      set_up(0, CAPACITY, STACK);
#if NUMBERS > 1
      if :: MADE > 1 -> set_up(1, CAPACITY1, STACK1) :: else fi;
#endif
      fill(shared(0), SHARED);
      fill(victims(0), VICTIMS)
    :: else
    fi;
#if defined(CPUS) && !defined(MUTATION_nothing_noted)
    i = 0;
    do
    :: i < MADE -> noted[i] = 1; i++
    :: else -> break
    od;
#endif
    i = 0;
    do
    :: i < OUT -> make(); where[made_objects] = HELD + i; i++
    :: else -> break
    od;
    o = made_objects - OUT
  };
  atomic {
    made_objects = 0;
    run Thread(0, (OUT > 0 -> o + 1 : 0));
    run Thread(1, (OUT > 1 -> o + 2 : 0));
#if THREADS > 2
    run Thread(2, (OUT > 2 -> o + 3 : 0));
#endif
#if SWEEPS > 0
    i = 0;
    do
    :: i < COLLECTS -> run Sweep(i, COLLECT); i++
    :: i >= COLLECTS && i < COLLECTS + AGES -> run Sweep(i, AGE); i++
    :: i >= COLLECTS + AGES && i < SWEEPS -> run Sweep(i, LOWER); i++
    :: else -> break
    od;
#endif
    skip
  };
  ended == THREADS + SWEEPS;
  d_step {
    /* Nothing is held or being dropped, so each object is idle or gone: and where it is, it is once. */
    assert(running == UNSTARTED || running == STOPPED + LENGTH);
    assert(!sweeping);
    o = 1;
    do
    :: o <= OBJECTS ->
      assert(where[o] == IDLE || where[o] == FREE);
      places = 0;
      i = 0;
      do
      :: i < NUMBERS ->
        if :: top[i] == o -> places++ :: else fi;
        l = 0;
        do
        :: l < stacked[i] -> if :: at_entry(i, l) == o -> places++ :: else fi; l++
        :: else -> break
        od;
        i++
      :: else -> break
      od;
      i = 0;
      do
      :: i < LISTS ->
        l = 0;
        do
        :: l < length[i] -> if :: in_list(i, l) == o -> places++ :: else fi; l++
        :: else -> break
        od;
        i++
      :: else -> break
      od;
      assert(places == (where[o] == IDLE));
      o++
    :: else -> break
    od;
    /* The charge is the capacities and the objects in lists, and no more than the limit. */
    i = 0;
    places = 0;
    do
    :: i < NUMBERS -> places = places + capacity_of(i); i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < LISTS -> places = places + length[i]; assert(!locked[i] && hint[i] == length[i]); i++
    :: else -> break
    od;
    assert(charged == places && charged <= max_idle)
  }
}
