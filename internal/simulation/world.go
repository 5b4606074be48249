package simulation

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/stream"
)

// World is a job's surroundings, and what outlives its processes: logs, sinks and the state. All of it is used under turns.
type World struct {
	plan   Plan
	chance *rand.Rand
	faults *faults
	turns  *turns
	trace  *trace
	style  *style
	medium medium
	lasts  map[string]lasting // by name
	names  []string           // in order of creation
	asked  bool               // whether the job is made by the seed

	process *process
	number  int // of processes so far
}

// lasting is a part of the world that outlives processes.
type lasting interface {
	// contents is what it holds in the end, one line a row, in an order that does not depend on the course of events; nil if that is not a result.
	contents() []string
}

// process is one life of the job.
type process struct {
	dead atomic.Bool // nothing that it does reaches the world any more
	run  *runtime.Run
}

func newWorld(p Plan) *World {
	w := &World{plan: p, chance: rand.New(rand.NewPCG(p.Seed, 1)), trace: newTrace(), lasts: map[string]lasting{}}
	most := p.Faults
	if p.Calm {
		most = 0
	}
	w.faults = newFaults(p.Seed, most, p.Only)
	w.style = newStyle(w.chance, p.Calm)
	w.turns = &turns{news: make(chan struct{}, 1), pick: func(n int) int {
		if p.Calm {
			return 0
		}
		return w.chance.IntN(n)
	}}
	w.medium = newMedium(p, w.chance)
	return w
}

// Seed is that of the course: the same for all its processes. A job or log that is made by it is compared with the calm run of the same seed.
func (w *World) Seed() uint64 {
	w.asked = true
	return w.plan.Seed
}

// Process is how many processes there were before this one.
func (w *World) Process() int { return w.number - 1 }

// share is how many of n records the plan leaves.
func (w *World) share(n int) int {
	if w.plan.Share == 0 {
		return n
	}
	return (n*w.plan.Share + 99) / 100
}

// last finds what was made under a name by an earlier process, or makes it.
func last[T lasting](w *World, name string, make func() T) T {
	if l, ok := w.lasts[name]; ok {
		t, ok := l.(T)
		if !ok {
			panic(fmt.Sprintf("simulation: %q was a %T in an earlier process and is used as another kind of thing now", name, l))
		}
		return t
	}
	t := make()
	w.lasts[name] = t
	w.names = append(w.names, name)
	return t
}

// Backend opens the state of the process that begins: one of the Options.
func (w *World) Backend() state.Backend { return backend{w, w.process} }

// Options are the settings of the process that begins: those that results must not depend on. They come last among a job's options.
func (w *World) Options() []stream.JobOption {
	p := w.process
	o := []stream.JobOption{
		stream.Backend(w.Backend()), stream.StateDir("simulated"), stream.Logger(quiet), stream.StatusEvery(0),
		stream.StopTimeout(24 * time.Hour), stream.RetryFor(time.Hour),
		stream.UnderTest(w.turns, func(r *runtime.Run) {
			if p.run = r; p.dead.Load() {
				r.Fail(errDead)
			}
		}),
	}
	if w.plan.Calm {
		return append(o, stream.Restart(stream.NoRestart()), stream.CheckpointEvery(10*time.Second))
	}
	r := w.chance
	restart := stream.NoRestart()
	if r.IntN(2) == 0 {
		restart = stream.FixedDelay(1+r.IntN(3), time.Duration(r.IntN(100))*time.Millisecond)
	}
	parallelism, batch := 1+r.IntN(4), one(r, 1, 2, 3, 10, 100)
	every := one(r, 4, 20, 100, 1000) * int(time.Millisecond)
	w.trace.fate("settings: parallelism %d, batches of %d, a checkpoint every %s", parallelism, batch, time.Duration(every))
	return append(o,
		stream.Restart(restart), stream.DefaultParallelism(parallelism), stream.BatchSize(batch), stream.CheckpointEvery(time.Duration(every)),
		stream.BufferTimeout(time.Duration(one(r, 1, 1000, 10_000))*time.Microsecond), stream.SinkBatches(one(r, 1, 1, 4)),
		stream.MemoryBudget(int64(one(r, 1<<20, 64<<20))),
	)
}

func one(r *rand.Rand, of ...int) int { return of[r.IntN(len(of))] }

// Fetches and Writes are for sources and sinks of a test's own: they give way as who, and are the error of the call that the caller is about to make, nil for none.
func (w *World) Fetches(who string) error {
	w.turns.Wait(who, "is to fetch")
	return w.fails(who)
}

// Writes is described with Fetches.
func (w *World) Writes(who string) error {
	w.turns.Wait(who, "is to write")
	return w.refuses(who)
}

// fails is the error of a call to a broker, if any.
func (w *World) fails(what string) error {
	switch {
	case w.process.dead.Load():
		return errDead
	case w.faults.happens(FetchFails):
		w.trace.fate("%s: fails for now", what)
		return source.Temporary(injected(FetchFails))
	case w.faults.happens(SourceBroken):
		w.trace.fate("%s: fails for good", what)
		return injected(SourceBroken)
	}
	return nil
}

// refuses is the error of a call to a sink before it takes effect, if any.
func (w *World) refuses(who string) error {
	switch {
	case w.process.dead.Load():
		return errDead
	case w.faults.happens(WriteFails):
		w.trace.fate("%s: refused for now", who)
		return sink.Temporary(injected(WriteFails))
	case w.faults.happens(SinkBroken):
		w.trace.fate("%s: refused for good", who)
		return injected(SinkBroken)
	}
	return nil
}
