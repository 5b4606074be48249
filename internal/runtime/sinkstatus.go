package runtime

import (
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/source/limit"
)

// WriteBounds are the upper bounds, inclusive, of the classes of SinkStatus.Latency; the last class has none.
var WriteBounds = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second,
}

// SinkStatus is what a sink's writer has done since the run began.
type SinkStatus struct {
	Operator  string
	Subtask   int
	Rows      int64         // written
	Writes    int64         // that succeeded
	Failures  int64         // writes that failed, temporarily or for good
	WriteTime time.Duration // of the writes that succeeded, all together
	LastWrite time.Duration // of the last of them
	// Latency counts the writes that succeeded by how long they took, in the classes of WriteBounds.
	Latency [len(WriteBounds) + 1]int64
}

// sinkMeter keeps a writer's SinkStatus. It is safe for concurrent use.
type sinkMeter struct {
	limiter *limit.Limiter // may be nil
	mu      sync.Mutex
	status  SinkStatus
}

// timed does a write, counts it, and tells the limiter.
func (m *sinkMeter) timed(c clock.Clock, rows int, write func() error) error {
	begun := c.Now()
	err := write()
	now := c.Now()
	took := now.Sub(begun)
	if m.limiter != nil {
		m.limiter.Observe(now, limit.Write{Took: took, Rows: rows, Failed: err != nil})
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.status.Failures++
		return err
	}
	class := 0
	for class < len(WriteBounds) && took > WriteBounds[class] {
		class++
	}
	s := &m.status
	s.Rows, s.Writes = s.Rows+int64(rows), s.Writes+1
	s.WriteTime, s.LastWrite = s.WriteTime+took, took
	s.Latency[class]++
	return nil
}

// Sinks is what each sink's writers have done. It is safe for concurrent use.
func (r *Run) Sinks() []SinkStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []SinkStatus
	for _, m := range r.meters {
		m.mu.Lock()
		out = append(out, m.status)
		m.mu.Unlock()
	}
	return out
}
