package runtime

import (
	"math/bits"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
)

// PauseStatus is how often and for how long checkpoints stopped a task: at a barrier, while a slice of its state was encoded, and when a checkpoint became durable. Waiting for the sink counts.
type PauseStatus struct {
	Count          int64
	Total, Longest time.Duration
	// Classes counts the stops by length: class i has those of less than 2^i microseconds that are in no class before.
	Classes [PauseClasses]int64
}

// PauseClasses is the number of classes; the last also has what is longer.
const PauseClasses = 32

// Quantile is an upper bound of the length that the share q of the stops does not exceed, to a factor of 2.
func (p PauseStatus) Quantile(q float64) time.Duration {
	want := int64(q * float64(p.Count))
	var sum int64
	for i, n := range p.Classes {
		if sum += n; sum >= want && n > 0 {
			return min(p.Longest, time.Duration(1<<i)*time.Microsecond)
		}
	}
	return p.Longest
}

// Add adds another task's.
func (p *PauseStatus) Add(o PauseStatus) {
	p.Count += o.Count
	p.Total += o.Total
	p.Longest = max(p.Longest, o.Longest)
	for i, n := range o.Classes {
		p.Classes[i] += n
	}
}

// pauses measures what checkpoints cost a task. It is safe for concurrent use.
type pauses struct {
	clock clock.Clock
	mu    sync.Mutex
	sum   PauseStatus
}

// stop measures f.
func (p *pauses) stop(f func() error) error {
	begun := p.clock.Now()
	err := f()
	d := p.clock.Now().Sub(begun)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sum.Count++
	p.sum.Total += d
	p.sum.Longest = max(p.sum.Longest, d)
	p.sum.Classes[min(PauseClasses-1, bits.Len64(uint64(d.Microseconds())))]++
	return err
}

func (p *pauses) read() PauseStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sum
}
