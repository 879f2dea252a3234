// The child that measures Go's sync.Pool. The protocol is in ../src/protocol.rs, the scenarios in ../src/scenario: what
// is done here is the same, with goroutines for threads.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	name     = "Go sync.Pool"
	capacity = 1024
	batch    = 64
	sent     = 64
	inFlight = 2
	warmUp   = 2 * (inFlight + 2)
	lost     = 33
	types    = 1000
)

type object struct {
	bytes []byte
	lines uint64
}

func (o *object) write() {
	o.bytes = append(o.bytes, 'x')
	o.lines++
}

func (o *object) reset() {
	o.bytes = o.bytes[:0]
	o.lines = 0
}

// counted is a pool, and the number of objects it has made.
type counted struct {
	sync.Pool
	made atomic.Int64
}

func newPool() *counted {
	p := new(counted)
	p.New = func() any {
		p.made.Add(1)
		return &object{bytes: make([]byte, 0, capacity)}
	}
	return p
}

func (p *counted) get() *object { return p.Get().(*object) }

func (p *counted) put(o *object) {
	o.reset()
	p.Put(o)
}

type task struct {
	Contestant   string `json:"contestant"`
	Scenario     string `json:"scenario"`
	Threads      int    `json:"threads"`
	Size         int    `json:"size"`
	Milliseconds int    `json:"milliseconds"`
	Pin          bool   `json:"pin"`
}

type figures map[string]float64

type spent struct {
	operations uint64
	cpu, wall  time.Duration
}

// run calls what lane makes for each goroutine until the time is over. CPU time is the whole process's, the garbage
// collector's included.
func run(t *task, lane func(index int) func() int) spent {
	duration := time.Duration(t.Milliseconds) * time.Millisecond
	var ready, done sync.WaitGroup
	var stop atomic.Bool
	var operations atomic.Uint64
	begin := make(chan struct{})
	var start time.Time
	ready.Add(t.Threads)
	done.Add(t.Threads)
	for index := range t.Threads {
		go func() {
			defer done.Done()
			// A goroutine that has a thread to itself can be bound to a CPU. It never unlocks, so the thread ends with it.
			if t.Pin && t.Threads == 1 {
				runtime.LockOSThread()
				pin(0)
			}
			lane := lane(index)
			lane()
			ready.Done()
			<-begin
			n := 0
			for !stop.Load() && time.Since(start) < duration {
				for range 16 {
					if stop.Load() {
						break
					}
					n += lane()
				}
			}
			stop.Store(true)
			operations.Add(uint64(n))
		}()
	}
	ready.Wait()
	cpu := cpuTime()
	start = time.Now()
	close(begin)
	done.Wait()
	return spent{operations.Load(), cpuTime() - cpu, time.Since(start)}
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// pin binds the calling thread to one of its CPUs.
func pin(index int) {
	var set [128]uint64
	if _, _, err := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, 0, unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set))); err != 0 {
		panic(err)
	}
	for word := range set {
		for bit := range 64 {
			if set[word]&(1<<bit) == 0 {
				continue
			}
			if index == 0 {
				set = [128]uint64{}
				set[word] = 1 << bit
				if _, _, err := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set))); err != 0 {
					panic(err)
				}
				return
			}
			index--
		}
	}
}

func times(s spent, made int64) figures {
	operations := math.Max(1, float64(s.operations))
	return figures{
		"cpu_ns":        float64(s.cpu) / operations,
		"wall_ns":       float64(s.wall) / operations,
		"operations":    operations,
		"made_per_1000": 1e3 * float64(made) / operations,
	}
}

func pair(t *task) figures {
	p := newPool()
	s := run(t, func(int) func() int {
		return func() int {
			for range batch {
				o := p.get()
				o.write()
				p.put(o)
			}
			return batch
		}
	})
	return times(s, p.made.Load())
}

func burst(t *task) figures {
	p := newPool()
	s := run(t, func(int) func() int {
		held := make([]*object, t.Size)
		return func() int {
			for i := range held {
				held[i] = p.get()
				held[i].write()
			}
			for i, o := range held {
				p.put(o)
				held[i] = nil
			}
			return t.Size
		}
	})
	return times(s, p.made.Load())
}

func starvation(t *task) figures {
	p := newPool()
	s := run(t, func(int) func() int {
		held := make([]*object, 100)
		return func() int {
			for i := range held {
				held[i] = p.get()
				held[i].write()
			}
			for i, o := range held {
				if i >= lost {
					p.put(o)
				}
				held[i] = nil
			}
			return 100
		}
	})
	return times(s, p.made.Load())
}

// ring is a queue for one sender and one receiver that never sleeps. A power of two of places.
type ring[T any] struct {
	places     []T
	_          [64]byte
	head, tail atomic.Uint64
	_          [64]byte
}

func newRing[T any](places int) *ring[T] { return &ring[T]{places: make([]T, places)} }

func (r *ring[T]) push(value T) bool {
	tail := r.tail.Load()
	if tail-r.head.Load() == uint64(len(r.places)) {
		return false
	}
	r.places[tail&uint64(len(r.places)-1)] = value
	r.tail.Store(tail + 1)
	return true
}

func (r *ring[T]) pop() (value T, ok bool) {
	head := r.head.Load()
	if head == r.tail.Load() {
		return value, false
	}
	value = r.places[head&uint64(len(r.places)-1)]
	r.head.Store(head + 1)
	return value, true
}

// part is a part of what a thread of a hand-off does with each batch.
type part struct {
	batches int64
	time    time.Duration
	_       [64]byte
}

func (p *part) add(time time.Duration) {
	p.batches++
	p.time += time
}

func (p *part) perObject() float64 {
	return float64(p.time) / (math.Max(1, float64(p.batches)) * sent)
}

// watch times what a thread does with one batch after the other, as that of ../src/scenario/handoff.rs.
type watch struct {
	zero       time.Time
	cost, last time.Duration
	switches   int64
	batches    int
}

func newWatch() *watch {
	w := &watch{zero: time.Now()}
	var times [101]time.Duration
	for i := range times {
		start := time.Since(w.zero)
		times[i] = time.Since(w.zero) - start
	}
	slices.Sort(times[:])
	w.cost = times[len(times)/2]
	return w
}

func (w *watch) start() {
	w.batches++
	w.switches = switches()
	w.last = time.Since(w.zero)
}

func (w *watch) lap() time.Duration {
	now := time.Since(w.zero)
	lap := max(0, now-w.last-w.cost)
	w.last = now
	return lap
}

func (w *watch) counts() bool { return w.batches > warmUp && switches() == w.switches }

// switches is how often the kernel has given the CPU of the calling thread, which could have gone on, to another one.
func switches() int64 {
	const thread = 1
	var usage syscall.Rusage
	if _, _, err := syscall.RawSyscall(syscall.SYS_GETRUSAGE, thread, uintptr(unsafe.Pointer(&usage)), 0); err != 0 {
		panic(err)
	}
	return usage.Nivcsw
}

// handoff has a goroutine that gets and one that puts, each with a thread to itself. The size says where they run.
func handoff(t *task) figures {
	const (
		twoCPUs = iota
		oneCPU
	)
	p := newPool()
	full, empty := newRing[[]*object](inFlight), newRing[[]*object](2*inFlight)
	gets, writes, puts := new(part), new(part), new(part)
	// Two threads on two CPUs spin.
	pause := func() {
		if t.Size != twoCPUs || runtime.NumCPU() == 1 {
			syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0)
		}
	}
	lane := func(index int) func() int {
		// It never unlocks, so the thread ends with the goroutine.
		runtime.LockOSThread()
		switch t.Size {
		case twoCPUs:
			pin(index % runtime.NumCPU())
		case oneCPU:
			pin(0)
		}
		watch := newWatch()
		if index == 1 {
			return func() int {
				objects, ok := full.pop()
				if !ok {
					pause()
					return 0
				}
				for _, o := range objects {
					o.write()
				}
				watch.start()
				for i, o := range objects {
					p.put(o)
					objects[i] = nil
				}
				put := watch.lap()
				if watch.counts() {
					puts.add(put)
				}
				empty.push(objects[:0])
				return sent
			}
		}
		var filled []*object
		return func() int {
			objects := filled
			if objects == nil {
				var ok bool
				if objects, ok = empty.pop(); !ok {
					objects = make([]*object, 0, sent)
				}
				watch.start()
				for range sent {
					objects = append(objects, p.get())
				}
				got := watch.lap()
				for _, o := range objects {
					o.write()
				}
				wrote := watch.lap()
				if watch.counts() {
					gets.add(got)
					writes.add(wrote)
				}
			}
			if filled = nil; !full.push(objects) {
				filled = objects
				pause()
			}
			return 0
		}
	}
	// Beside other programs, a thread may get no CPU for as long as the task says.
	var s spent
	for range 100 {
		s.operations += run(t, lane).operations
		if min(gets.batches, puts.batches) >= 64 {
			break
		}
	}
	f := times(s, p.made.Load())
	delete(f, "cpu_ns")
	delete(f, "wall_ns")
	f["acquire_ns"], f["write_ns"], f["release_ns"] = gets.perObject(), writes.perObject(), puts.perObject()
	f["pool_ns"] = f["acquire_ns"] + f["release_ns"]
	return f
}

func mixedSizes(t *task) figures {
	random := uint64(1)
	sizes := make([]int, 1024)
	for i := range sizes {
		random = random*6364136223846793005 + 1442695040888963407
		sizes[i] = int(64 * math.Pow(1024, float64(random>>11)/(1<<53)))
	}
	p := newPool()
	s := run(t, func(index int) func() int {
		next := 100 * index
		return func() int {
			for range batch {
				next = (next + 1) % len(sizes)
				o := p.get()
				if cap(o.bytes) < sizes[next] {
					o.bytes = make([]byte, 0, sizes[next])
				}
				o.write()
				p.put(o)
			}
			return batch
		}
	})
	return times(s, p.made.Load())
}

// histogram counts times: 64 linear steps to each power of two.
type histogram [64 * 64]uint64

func (h *histogram) record(ns uint64) {
	shift := 0
	for ns>>shift >= 128 {
		shift++
	}
	index := ns
	if shift > 0 {
		index = uint64(shift)*64 + ns>>shift
	}
	h[index]++
}

func (h *histogram) quantile(q float64) float64 {
	var all, seen uint64
	for _, n := range h {
		all += n
	}
	for index, n := range h {
		seen += n
		if n > 0 && float64(seen) >= q*float64(all) {
			if index < 128 {
				return float64(index)
			}
			shift := index/64 - 1
			return float64((uint64(index)-uint64(shift)*64+1)<<shift - 1)
		}
	}
	return 0
}

func tail(t *task) figures {
	p := newPool()
	own := make([]histogram, t.Threads)
	zero := time.Now()
	s := run(t, func(index int) func() int {
		h := &own[index]
		return func() int {
			for range batch {
				start := time.Since(zero)
				o := p.get()
				elapsed := time.Since(zero) - start
				o.write()
				p.put(o)
				h.record(uint64(elapsed))
			}
			return batch
		}
	})
	var all histogram
	for i := range own {
		for index, n := range own[i] {
			all[index] += n
		}
	}
	f := times(s, p.made.Load())
	f["p50_ns"], f["p99_ns"] = all.quantile(0.5), all.quantile(0.99)
	f["p999_ns"], f["p9999_ns"] = all.quantile(0.999), all.quantile(0.9999)
	return f
}

func smallPools() []sync.Pool {
	pools := make([]sync.Pool, types)
	for i := range pools {
		pools[i].New = func() any { return &object{bytes: make([]byte, 0, 64)} }
	}
	return pools
}

func coldTypes(t *task) figures {
	pools := smallPools()
	s := run(t, func(index int) func() int {
		next := index
		return func() int {
			for range batch {
				if next++; next >= t.Size {
					next = 0
				}
				o := pools[next].Get().(*object)
				o.write()
				o.reset()
				pools[next].Put(o)
			}
			return batch
		}
	})
	return times(s, 0)
}

func firstUse(t *task) figures {
	pools := smallPools()
	all := make([]float64, t.Size)
	for i := range all {
		start := time.Now()
		o := pools[i].Get().(*object)
		o.write()
		o.reset()
		pools[i].Put(o)
		all[i] = float64(time.Since(start))
	}
	sort.Float64s(all)
	return figures{"median_ns": all[len(all)/2], "p99_ns": all[len(all)*99/100]}
}

func expensiveNew(t *task, sweep func()) figures {
	const interval = 10 * time.Millisecond
	var made atomic.Int64
	p := sync.Pool{New: func() any {
		made.Add(1)
		time.Sleep(time.Millisecond)
		return &object{bytes: make([]byte, 0, 64)}
	}}
	lanes := *t
	lanes.Threads++
	s := run(&lanes, func(index int) func() int {
		if index == t.Threads {
			return func() int {
				time.Sleep(interval)
				sweep()
				return 0
			}
		}
		return func() int {
			for range batch {
				o := p.Get().(*object)
				o.bytes = append(o.bytes, 'x')
				o.reset()
				p.Put(o)
			}
			return batch
		}
	})
	f := times(s, made.Load())
	f["made_per_sweep"] = float64(made.Load()) * float64(interval) / float64(s.wall)
	return f
}

func collect(t *task) figures {
	idle := sync.Pool{}
	for range t.Size {
		idle.Put(&object{bytes: make([]byte, 0, 64)})
	}
	p := newPool()
	var stop atomic.Bool
	ask, longest := make(chan struct{}), make(chan time.Duration)
	go func() {
		var soFar time.Duration
		for !stop.Load() {
			start := time.Now()
			o := p.get()
			soFar = max(soFar, time.Since(start))
			p.put(o)
			select {
			case <-ask:
				longest <- soFar
				soFar = 0
			default:
			}
		}
	}()
	longestWhile := func(work func()) (time.Duration, time.Duration) {
		ask <- struct{}{}
		<-longest
		start := time.Now()
		work()
		elapsed := time.Since(start)
		ask <- struct{}{}
		return elapsed, <-longest
	}
	swept, during := longestWhile(func() { runtime.GC(); runtime.GC() })
	_, without := longestWhile(func() { time.Sleep(swept) })
	stop.Store(true)
	ms, us := float64(time.Millisecond), float64(time.Microsecond)
	return figures{
		"collect_ms": float64(swept) / ms, "age_ms": float64(swept) / ms,
		"longest_us": float64(during) / us, "longest_without_us": float64(without) / us,
	}
}

// verify does what ../src/verify.rs does.
func verify() (int64, error) {
	p := newPool()
	use := func() error {
		o := p.get()
		if len(o.bytes) != 0 || o.lines != 0 || cap(o.bytes) < capacity {
			return fmt.Errorf("an object came with %d bytes of %d, and %d lines", len(o.bytes), cap(o.bytes), o.lines)
		}
		o.bytes = append(o.bytes, "somebody else's data"...)
		o.lines = 1
		p.put(o)
		return nil
	}
	for range 1000 {
		if err := use(); err != nil {
			return 0, err
		}
	}
	made := p.made.Load()
	// A garbage collection may empty the pool, and a goroutine may move: a few more are no mistake.
	if made > 10 {
		return 0, fmt.Errorf("made %d objects for one goroutine that uses one at a time", made)
	}
	errs := make(chan error, 4)
	for range 4 {
		go func() {
			for range 1000 {
				if err := use(); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			return 0, err
		}
	}
	return made, nil
}

var scenarios = map[string]func(*task) figures{
	"pair": pair, "burst": burst, "overflow": burst, "starvation": starvation, "handoff": handoff,
	"mixed_sizes": mixedSizes, "tail": tail, "cold_types": coldTypes, "first_use": firstUse, "collect": collect,
	"expensive_new_age":     func(t *task) figures { return expensiveNew(t, runtime.GC) },
	"expensive_new_collect": func(t *task) figures { return expensiveNew(t, func() { runtime.GC(); runtime.GC() }) },
}

func main() {
	out := json.NewEncoder(os.Stdout)
	say := func(line any) {
		if err := out.Encode(line); err != nil {
			os.Exit(1)
		}
	}
	var names []string
	for scenario := range scenarios {
		names = append(names, scenario)
	}
	sort.Strings(names)
	say(map[string]any{"contestants": []any{map[string]any{"name": name, "kind": "peer", "scenarios": names}}})

	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var request struct {
			Verify  *string `json:"verify"`
			Measure *task   `json:"measure"`
		}
		if err := json.Unmarshal(in.Bytes(), &request); err != nil {
			say(map[string]any{"failed": err.Error()})
			continue
		}
		switch {
		case request.Verify != nil:
			if made, err := verify(); err != nil {
				say(map[string]any{"failed": err.Error()})
			} else {
				say(map[string]any{"verified": map[string]any{"made": made}})
			}
		case request.Measure != nil && scenarios[request.Measure.Scenario] != nil:
			say(map[string]any{"figures": scenarios[request.Measure.Scenario](request.Measure)})
		default:
			say(map[string]any{"failed": "takes no part in this"})
		}
	}
}
