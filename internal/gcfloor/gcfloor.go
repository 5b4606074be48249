// Package gcfloor gives a process with a small heap room to grow between two collections.
//
// Go's collector starts when the heap has grown by a share (GOGC) of what lives. A stream processor makes garbage at the speed of its log, whatever lives: where
// that is 20 MB, a collection starts every 20 MB of garbage, some tens of milliseconds apart. A ballast, memory that counts as living and is never touched, moves
// that by its size. It takes addresses and no memory, and where the heap is large it changes little.
package gcfloor

import (
	"math"
	"runtime/metrics"
	"sync"
)

var (
	mu      sync.Mutex
	ballast []byte
)

// Raise lets the heap grow by at least headroom bytes between collections, from now until the process ends; it never lowers what was asked for earlier. It is not given
// back, since memory that is made anew for each of many jobs would have to be cleared, and so touched, each time. Where the collector is off it does nothing;
// of a memory limit (GOMEMLIMIT) it takes an eighth at most.
func Raise(headroom int64) {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}, {Name: "/gc/gomemlimit:bytes"}}
	metrics.Read(sample)
	size := sizeOf(headroom, sample[0].Value.Uint64(), sample[1].Value.Uint64())
	mu.Lock()
	defer mu.Unlock()
	if size > int64(len(ballast)) {
		ballast = nil // one of them is enough
		ballast = make([]byte, size)
	}
}

// sizeOf is the ballast for a headroom, by GOGC in percent and the memory limit in bytes.
func sizeOf(headroom int64, percent, limit uint64) int64 {
	if percent == 0 || percent > math.MaxInt32 || headroom <= 0 { // off is the highest value
		return 0
	}
	size := float64(headroom) * 100 / float64(percent)
	return int64(min(size, float64(limit)/8))
}
