package keyed

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkTimerHeap moves the first timer of some sessions to a later time, as sessions do that went on, or takes it out and puts in another one.
func BenchmarkTimerHeap(b *testing.B) {
	const keys, gap = 1300, 30 * 60 * 1000
	var q queue
	r := rand.New(rand.NewPCG(1, 2))
	for i := range keys {
		e := newEntry(1)
		e.begin([]byte{byte(i), byte(i >> 8)})
		q.push(item{r.Int64N(gap), &e.owner})
	}
	later := make([]int64, 4096)
	for i := range later {
		later[i] = r.Int64N(gap)
	}
	for i := 0; b.Loop(); i++ {
		if i%2 == 0 {
			q.heap[0].at += later[i%len(later)]
			q.down(0)
			continue
		}
		it := q.heap[0]
		q.pop()
		it.at += later[i%len(later)]
		q.push(it)
	}
}
