package metamorphic

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/loggen"
	"github.com/millrace/millrace/internal/oracle"
)

const (
	second = int64(time.Second / time.Millisecond)
	minute = 60 * second
	hour   = 60 * minute
)

// plan is a job, its log and what befalls it: what stays the same over all its runs.
type plan struct {
	Seed       uint64
	Events     int
	Users      int
	Partitions int
	Scattered  bool // the keys' events are in all partitions
	Crowded    bool // all keys are busy at once
	Union      bool // half of the partitions are in a second source
	Spread     int  // tasks of an operator between the sources and the keys, which takes records from their order; 0 for none
	Keying     string
	oracle.Params
	Function   string
	Hourly     bool // a second stage: hours over all results
	Assign     bool // timestamps are assigned behind a map, not by the source
	Junk       int  // events in a thousand that are undecodable or far in the future
	Committing bool // the sinks show rows when their checkpoint is complete
	Transacted bool // the sinks' rows, and what cannot be used, come with the transactions of their checkpoints
	Padding    int  // bytes that an event takes more in the state
	Pebble     bool
	Endings    []ending  // what a run may come to before the last one
	Growth     int       // runs at the beginning that see only a part of the log and leave their windows open
	Script     []setting // the runs before the last, instead of random ones
	Flaw       flaw      // what is wrong with the job on purpose
}

// ending is what a run comes to.
type ending string

const (
	through     ending = "through"
	grows       ending = "grows" // at the end of the log as far as it goes, windows left open
	stopped     ending = "stop"
	sourceFails ending = "source fails"
	sinkFails   ending = "sink fails"
	powerLoss   ending = "power loss"
	diskRefuses ending = "disk refuses"
)

const (
	local     = "local"
	oneSplit  = "one split per key"
	exchanged = "exchanged"

	process   = "process"
	aggregate = "aggregate"
	reduce    = "reduce"
	ticks     = "keyed process" // no windows
)

func newPlan(seed uint64) plan {
	r := rand.New(rand.NewPCG(seed, 0))
	p := plan{
		Seed:       seed,
		Events:     500 + r.IntN(500)<<r.IntN(4),
		Partitions: 1 + r.IntN(5),
		Keying:     pick(r, local, local, oneSplit, exchanged),
		Function:   pick(r, process, aggregate, reduce),
		Hourly:     r.IntN(3) == 0,
		Assign:     r.IntN(3) == 0,
		Committing: r.IntN(3) == 0,
		Pebble:     r.IntN(4) > 0,
	}
	p.Users = max(1, p.Events/pick(r, 3, 10, 25, 200))
	p.Bound = minute
	p.Lateness = pick(r, 0, 0, 1, 10*minute, 2*hour)
	p.Scattered = p.Keying == exchanged && r.IntN(2) == 0
	switch r.IntN(4) {
	case 0:
		p.Size = pick(r, 10*minute, hour)
		p.Offset = pick(r, 0, 7*minute)
	case 1:
		p.Size = pick(r, 20*minute, hour)
		p.Slide = pick(r, p.Size/2, p.Size/4, 2*p.Size)
	default:
		p.Gap = 30 * minute
	}
	p.Strict = r.IntN(5) == 0 || p.Gap > 0 && p.Scattered
	if p.ordered() && r.IntN(4) == 0 {
		p.Function, p.Hourly, p.Lateness, p.Strict = ticks, false, 0, false
	}
	p.Union = p.Keying != local && r.IntN(4) == 0
	if p.Keying == exchanged && (p.Gap == 0 || p.Strict) && r.IntN(4) == 0 {
		p.Spread = 1 + r.IntN(4)
	}
	if r.IntN(60) == 0 {
		p.Crowded, p.Events, p.Users = true, 20_000, 15_000
	}
	if r.IntN(3) == 0 {
		p.Junk = 30
	}
	if r.IntN(3) == 0 {
		p.Padding = 2000
	}
	switch r.IntN(4) {
	case 0:
	case 1:
		p.Endings = []ending{stopped}
	case 2:
		p.Endings = []ending{stopped, sourceFails, sinkFails}
	default:
		p.Endings = []ending{sourceFails, sinkFails, powerLoss, powerLoss, powerLoss}
		p.Pebble = true
	}
	if r.IntN(4) == 0 {
		p.Growth = 1 + r.IntN(2)
	}
	if !p.settles() && len(p.Endings) > 0 {
		p.Endings = []ending{stopped}
	}
	if p.Committing && r.IntN(2) == 0 {
		p.Committing, p.Transacted = false, true
	}
	return p
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// ordered reports whether all that is emitted for a key, in its order, is a function of the log.
func (p plan) ordered() bool { return p.Keying != exchanged }

// showsOnce reports whether each row comes once, whatever befalls the job.
func (p plan) showsOnce() bool { return p.Committing || p.Transacted }

// settles reports whether an upsert table has the last results after any failure. Where it depends on timing which panes precede the last one, a pane
// that was written after the last checkpoint may not come again, and then nothing takes it back. Rows that only a checkpoint shows have no such panes.
func (p plan) settles() bool {
	if p.showsOnce() || p.Lateness == 0 {
		return true
	}
	return !p.Hourly && (p.ordered() || p.Gap == 0)
}

func (p plan) String() string {
	rule := fmt.Sprintf("tumbling %dm offset %dm", p.Size/minute, p.Offset/minute)
	switch {
	case p.Gap > 0:
		rule = fmt.Sprintf("session %dm", p.Gap/minute)
	case p.Slide > 0:
		rule = fmt.Sprintf("sliding %dm by %dm", p.Size/minute, p.Slide/minute)
	}
	parts := []string{
		fmt.Sprintf("seed %d: %d events of %d users in %d partitions", p.Seed, p.Events, p.Users, p.Partitions),
		p.Keying, rule, fmt.Sprintf("lateness %s", time.Duration(p.Lateness)*time.Millisecond), p.Function,
	}
	for name, on := range map[string]bool{
		"scattered": p.Scattered, "crowded": p.Crowded, "union": p.Union, fmt.Sprintf("spread %d", p.Spread): p.Spread > 0, "strict": p.Strict, "hourly": p.Hourly, "assign": p.Assign, "junk": p.Junk > 0, "committing": p.Committing, "transacted": p.Transacted, "padded": p.Padding > 0,
	} {
		if on {
			parts = append(parts, name)
		}
	}
	slices.Sort(parts[5:])
	backend := "memory"
	if p.Pebble {
		backend = "pebble"
	}
	return strings.Join(append(parts, backend, fmt.Sprintf("endings %q growth %d", p.Endings, p.Growth)), ", ")
}

// log is the events as the oracle has them.
func (p plan) log() oracle.Log {
	assign := loggen.Assign(loggen.ByUser)
	if p.Scattered {
		assign = loggen.InTurn
	}
	c := loggen.Config{Seed: p.Seed, Events: p.Events, Users: p.Users}
	if p.Crowded {
		c.Length = 2 * hour
	}
	return loggen.Split(c.All(), p.Partitions, assign)
}

// splits is the log as the source has it: with what is wrong in between.
func (p plan) splits(log oracle.Log) [][]event {
	r := rand.New(rand.NewPCG(p.Seed, 1))
	splits := make([][]event, len(log))
	for part, events := range log {
		for offset, e := range events {
			for r.IntN(1000) < p.Junk {
				splits[part] = append(splits[part], event{Key: e.Key, At: e.Timestamp + 48*hour, junk: pick(r, unreadable, farFuture)})
			}
			splits[part] = append(splits[part], event{
				Key: e.Key, At: e.Timestamp, Part: int64(part), Offset: int64(offset), tally: one(e.Timestamp, int64(part), int64(offset)),
			})
		}
	}
	return splits
}

// setting is how one run of the job is made and what it comes to.
type setting struct {
	Parallelism int
	Batch       int
	Buffer      time.Duration
	Memory      int64
	Chunk       int
	Slow        bool // fetches take a while
	Uneven      bool // some splits' fetches always take longer, others' by turns: which, is drawn for each run
	Live        bool // chunks of a few records, each at the end of its log when it was fetched
	Chained     int  // functions that change nothing, chained before the keys and behind the results
	Grow        int  // times that sinks' batches may grow
	Rate        int  // events a second; 0 for no limit
	Governed    bool // every write counts as slow, so that the rate falls to Rate
	Checkpoint  time.Duration
	Ending      ending
	After       int   // records, rows or file operations before the ending; percent of the log for one that grows
	Survives    int   // percent of unsynced data that a power loss leaves
	Again       bool  // a failure is the only one, and the job starts again by itself
	Refusal     error // of a disk that refuses
	Once        bool  // it refuses one operation
}

// mostRuns bounds how often a job is interrupted.
const mostRuns = 8

// setting draws the circumstances of a run.
func (p plan) setting(run int) setting {
	r := rand.New(rand.NewPCG(p.Seed, 2+uint64(run)))
	s := setting{
		Parallelism: 1 + r.IntN(8),
		Batch:       pick(r, 1, 2+r.IntN(20), 100+r.IntN(500)),
		Buffer:      pick(r, time.Microsecond, time.Millisecond, 5*time.Millisecond, time.Second),
		Memory:      pick(r, int64(1)<<20, 1<<20, 2<<20, 64<<20),
		Chunk:       pick(r, 1+r.IntN(10), 50, 1000),
		Slow:        r.IntN(2) == 0,
		Uneven:      r.IntN(3) == 0,
		Live:        r.IntN(4) == 0,
		Chained:     r.IntN(4),
		Checkpoint:  pick(r, time.Millisecond, 3*time.Millisecond, 20*time.Millisecond, time.Hour),
		Ending:      through,
		Survives:    pick(r, 0, 50, 100),
		Again:       r.IntN(3) == 0,
		Rate:        p.Events * pick(r, 0, 0, 0, 20, 100),
		Governed:    r.IntN(2) == 0,
		Grow:        pick(r, 1, 1, 3),
	}
	switch {
	case p.Script != nil && run < len(p.Script):
		return p.Script[run]
	case p.Script != nil:
		return s
	case run < p.Growth:
		s.Ending, s.After = grows, 100*(run+1)/(p.Growth+1)
		return s
	}
	if run < mostRuns && len(p.Endings) > 0 && r.IntN(mostRuns) > 0 {
		s.Ending = pick(r, p.Endings...)
	}
	switch s.Ending {
	case stopped, sourceFails:
		s.After = r.IntN(p.Events + 1)
	case sinkFails:
		s.After = r.IntN(8)
	case powerLoss:
		s.After = r.IntN(pick(r, 30, 100, 400))
	}
	return s
}
