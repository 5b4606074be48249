package runtime

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/source"
)

// Splits is the run's table of splits: their numbers, which records carry, and how far each has come, which alignment and the status go by.
// It is safe for concurrent use.
type Splits struct {
	mu    sync.Mutex
	all   []*Split
	moved chan struct{} // closed and replaced when a split that others may wait for has moved
	idle  atomic.Int32  // sources waiting on moved
	cut   atomic.Bool   // some split was begun in mid-log
}

// Split is one split's progress, written by its task.
type Split struct {
	source.Split
	Operator string
	Number   int32
	first    firstMeta // of the job's first run

	position  atomic.Int64
	watermark atomic.Int64
	atEnd     atomic.Bool // nothing left to fetch
	idle      atomic.Bool
	finished  atomic.Bool
	paused    atomic.Bool
	limited   atomic.Bool
	records   atomic.Int64
	bytes     atomic.Int64
	logEnd    atomic.Int64 // negative for unknown
	begun     int64        // the position at which the run began
	partial   atomic.Int64 // event time up to which records may lie before the start in mid-log; math.MinInt64 where none do
	drift     int64        // how far it may run ahead, in milliseconds; negative for no limit
}

// SplitStatus is a moment of a Split.
type SplitStatus struct {
	Operator string
	ID       string
	// StartPosition is where the run began, Position what comes next, Stop where it is to end (source.Unbounded without): all of it is read when
	// Position is Stop.
	StartPosition, Position, Stop int64
	// LogEnd is the position after the last record of the log as the reader last saw it, -1 where it is not known: what lies between Position and LogEnd
	// is the split's lag, the growth of LogEnd is the rate at which the log is written. It is as old as the last chunk that was fetched.
	LogEnd    int64
	Watermark int64 // milliseconds
	Records   int64 // read by this run
	Bytes     int64 // of these records, keys and values; 0 where the source does not tell
	AtEnd     bool  // nothing was left to fetch
	Idle      bool  // does not hold back time
	Finished  bool
	Paused    bool // waits for slower splits
	Limited   bool // waits for the rate limit

	// Incarnation is the log's, Earliest its oldest position when the job's first run began to read it at From; both are -1 where old state does not say it.
	Incarnation    string
	Earliest, From int64
}

func newSplits() *Splits { return &Splits{moved: make(chan struct{})} }

func (s *Splits) add(sp *Split) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for int(sp.Number) >= len(s.all) {
		s.all = append(s.all, nil)
	}
	s.all[sp.Number] = sp
}

// Name is the ID of a split by its number.
func (s *Splits) Name(number int32) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if int(number) < len(s.all) && s.all[number] != nil {
		return s.all[number].ID
	}
	return "?"
}

// Status lists all splits by number.
func (s *Splits) Status() []SplitStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []SplitStatus
	for _, p := range s.all {
		if p != nil {
			out = append(out, SplitStatus{
				Operator: p.Operator, ID: p.ID, StartPosition: p.begun, Position: p.position.Load(), Stop: p.Stop, LogEnd: p.logEnd.Load(),
				Watermark: p.watermark.Load(), Records: p.records.Load(), Bytes: p.bytes.Load(),
				AtEnd: p.atEnd.Load(), Idle: p.idle.Load(), Finished: p.finished.Load(), Paused: p.paused.Load(), Limited: p.limited.Load(),
				Incarnation: p.Incarnation, Earliest: p.first.Earliest, From: p.first.From,
			})
		}
	}
	return out
}

// Partial is the event time up to which records of the split may lie before its start in mid-log, so that windows which reach there may be incomplete;
// math.MinInt64 where the split was read from its beginning.
func (p *Split) Partial() int64 { return p.partial.Load() }

// begunAt notes the Partial of a split.
func (s *Splits) begunAt(p *Split, partial int64) {
	p.partial.Store(partial)
	s.cut.Store(true)
}

// Partial is the highest of all splits' Partial.
func (s *Splits) Partial() int64 {
	if !s.cut.Load() {
		return math.MinInt64
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	high := int64(math.MinInt64)
	for _, p := range s.all {
		if p != nil {
			high = max(high, p.partial.Load())
		}
	}
	return high
}

// floor is the lowest watermark among the splits that still have something to fetch. A split at its end cannot catch up by others waiting for it.
func (s *Splits) floor() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	low := int64(math.MaxInt64)
	for _, p := range s.all {
		if p != nil && !p.finished.Load() && !p.idle.Load() && !p.atEnd.Load() {
			low = min(low, p.watermark.Load())
		}
	}
	return low
}

// ahead reports whether a split has run too far ahead of the slowest, and if so what to wait on.
func (s *Splits) ahead(p *Split) (<-chan struct{}, bool) {
	w := p.watermark.Load()
	if p.drift < 0 || w == math.MinInt64 {
		return nil, false
	}
	s.mu.Lock()
	moved := s.moved
	s.mu.Unlock()
	low := s.floor()
	if low != math.MinInt64 && w <= flow.AddSaturating(low, p.drift) {
		return nil, false
	}
	return moved, true
}

// step tells waiting splits that one has moved.
func (s *Splits) step() {
	if s.idle.Load() == 0 {
		return
	}
	s.mu.Lock()
	close(s.moved)
	s.moved = make(chan struct{})
	s.mu.Unlock()
}
