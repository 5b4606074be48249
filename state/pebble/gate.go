package pebble

import (
	"sync"
	"sync/atomic"
)

// gate lets calls in until it is shut, and tells when the last of them has left. Its zero value must be set up with init.
type gate struct {
	inside  atomic.Int64 // number of calls, plus shut
	once    sync.Once
	drained chan struct{}
}

const shut = int64(1) << 62

func (g *gate) init() { g.drained = make(chan struct{}) }

// enter reports whether the caller may go on; if so it must call leave.
func (g *gate) enter() bool {
	if g.inside.Add(1) >= shut {
		g.leave()
		return false
	}
	return true
}

func (g *gate) leave() {
	if g.inside.Add(-1) == shut {
		g.once.Do(func() { close(g.drained) })
	}
}

// shutAndWait lets nobody in any more and waits for those inside; it reports false, at once, when the gate was shut before.
func (g *gate) shutAndWait() bool {
	before := g.inside.Or(shut)
	if before&shut != 0 {
		return false
	}
	if before == 0 {
		g.once.Do(func() { close(g.drained) })
	}
	<-g.drained
	return true
}
