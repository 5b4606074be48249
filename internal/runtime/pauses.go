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
	// Classes counts the stops by length: four classes share each power of two of microseconds in equal parts, and the first four have 0 to 3 of them.
	Classes [PauseClasses]int64
}

// PauseClasses is the number of classes; the last, of a quarter of an hour, also has what is longer.
const PauseClasses = 4 * 29

// pauseClass is the class of a length in microseconds: its leading one, and the two bits behind that.
func pauseClass(us uint64) int {
	if us < 4 {
		return int(us)
	}
	behind := bits.Len64(us) - 3
	return min(PauseClasses-1, 4*behind+int(us>>behind))
}

// pauseBound is the length, in microseconds, that all of a class are shorter than.
func pauseBound(class int) uint64 {
	if class < 4 {
		return uint64(class) + 1
	}
	return uint64(5+class%4) << (class/4 - 1)
}

// Quantile is an upper bound of the length that the share q of the stops does not exceed, a quarter too high at most.
func (p PauseStatus) Quantile(q float64) time.Duration {
	want := int64(q * float64(p.Count))
	var sum int64
	for i, n := range p.Classes {
		if sum += n; sum >= want && n > 0 {
			return min(p.Longest, time.Duration(pauseBound(i))*time.Microsecond)
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
	p.sum.Classes[pauseClass(uint64(max(0, d.Microseconds())))]++
	return err
}

func (p *pauses) read() PauseStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sum
}
