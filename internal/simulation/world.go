package simulation

import (
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/state"
	memorystate "github.com/millrace/millrace/state/memory"
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
	state  state.Store
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
	dead bool // nothing that it does reaches the world any more
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
	store, err := memorystate.Backend().Open("", 0)
	if err != nil {
		panic(err) // it has nothing that could fail
	}
	w.state = store
	return w
}

// Seed is that of the course: the same for all its processes. A job or log that is made by it is compared with the calm run of the same seed.
func (w *World) Seed() uint64 {
	w.asked = true
	return w.plan.Seed
}

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

// Options are the settings of the process that begins: those that results must not depend on. They come last among a job's options.
func (w *World) Options() []stream.JobOption {
	p := w.process
	o := []stream.JobOption{
		stream.Backend(backend{w, p}), stream.StateDir("simulated"), stream.Logger(slog.New(slog.NewTextHandler(io.Discard, nil))), stream.StatusEvery(0),
		stream.StopTimeout(24 * time.Hour), stream.RetryFor(time.Hour), stream.RateLimit(nil),
		stream.UnderTest(w.turns, func(r *runtime.Run) {
			if p.run = r; p.dead {
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
