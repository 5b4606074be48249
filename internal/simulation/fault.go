package simulation

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
)

// Kind is a kind of fault.
type Kind string

// What may befall a job.
const (
	Crash        Kind = "crash"                   // the process ends without a word
	Stop         Kind = "orderly stop"            // it is told to stop, and started again
	FetchFails   Kind = "fetch fails"             // the broker is away: a change of leader, say
	ResponseLost Kind = "response lost"           // the broker answered, and the answer did not arrive
	Stall        Kind = "stall"                   // it answers late
	SourceBroken Kind = "source broken"           // an error that ends the run
	WriteFails   Kind = "write fails"             // the sink refused the rows
	WriteUnknown Kind = "write applied, no reply" // the sink took the rows, and the writer hears of an error
	SinkBroken   Kind = "sink broken"             // an error that ends the run
	CommitFails  Kind = "state commit fails"
)

// ErrInjected is wrapped by all errors that a simulation makes.
var ErrInjected = errors.New("simulated fault")

// faults decides what fails and when. It has a source of chance of its own, so that a fault that is left out changes what follows from it and nothing else.
type faults struct {
	chance *rand.Rand
	rates  map[Kind]float64
	most   int   // how many
	only   []int // if not nil, only these of them, by number
	number int   // of the next
	count  map[Kind]int64
}

// kinds in the order in which rates are drawn.
var kinds = []Kind{Crash, Stop, FetchFails, ResponseLost, Stall, SourceBroken, WriteFails, WriteUnknown, SinkBroken, CommitFails}

func newFaults(seed uint64, most int, only []int) *faults {
	f := &faults{chance: rand.New(rand.NewPCG(seed, 2)), rates: map[Kind]float64{}, most: most, only: only, count: map[Kind]int64{}}
	for _, k := range kinds {
		f.rates[k] = []float64{0, 0.1, 0.03, 0.01}[f.chance.IntN(4)]
	}
	// These have a chance at every step, of which there are many more than calls.
	f.rates[Crash] = []float64{0, 0.01, 0.003, 0.001}[f.chance.IntN(4)]
	f.rates[Stop] = f.rates[Stop] / 50
	return f
}

// happens reports whether a fault of a kind happens here.
func (f *faults) happens(k Kind) bool {
	if f.number >= f.most || f.chance.Float64() >= f.rates[k] {
		return false
	}
	f.number++
	if f.only != nil && !slices.Contains(f.only, f.number) {
		return false
	}
	f.count[k]++
	return true
}

func injected(k Kind) error { return fmt.Errorf("%w: %s", ErrInjected, k) }
