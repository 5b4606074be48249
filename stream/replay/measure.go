package replay

import (
	"context"
	"runtime"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/stream"
)

// Estimate is what a slice says about the whole.
type Estimate struct {
	// Records were read, of LogRecords that the whole has: positions, where the log has holes.
	Records, LogRecords int64
	// Took is how long the records took, from when the first had been read.
	Took time.Duration
	// Rate is records per second.
	Rate float64
	// Whole is how long LogRecords would take at this rate, the sinks' time left out: 0 where nothing was read.
	Whole time.Duration
	// Short says that the slice was over too quickly for a good estimate.
	Short bool
	// Late, Undecodable and Quarantined are records that no window took, that could not be read, and whose timestamps were too far ahead.
	Late, Undecodable, Quarantined int64
	// Rows would have been written, and are LogRows for the whole.
	Rows, LogRows int64
	// Keys were in memory when the slice ended: those with open windows, where the job was built with stream.NoDrain.
	Keys int
	// PeakHeap is the most memory that Go's heap held, in bytes, looked at ten times a second.
	PeakHeap uint64
}

// LateShare is the share of records that were late, from 0 to 1.
func (e Estimate) LateShare() float64 {
	if e.Records == 0 {
		return 0
	}
	return float64(e.Late) / float64(e.Records)
}

// WholeAt is Whole when no more than rate records a second are let through; 0 is no limit.
func (e Estimate) WholeAt(rate float64) time.Duration {
	if rate <= 0 || e.Rate <= rate {
		return e.Whole
	}
	return seconds(float64(e.LogRecords) / rate)
}

// short is the least time from which an estimate is made with confidence.
const short = time.Second

// How often a job is looked at, before and after it has read its first records.
const (
	pollFirst = 2 * time.Millisecond
	pollEvery = 100 * time.Millisecond
)

// Job is what Measure runs: a *stream.Job, or what stands for one.
type Job interface {
	Run(ctx context.Context) error
	Status() stream.Status
	Count(name string) int64
	StateStats() stream.StateStats
}

// Measure runs a job that reads a slice into sinks that discard, and tells what it came to. positions is Sliced.Positions. Built with stream.NoDrain, the job
// ends with the state that it would have there.
func Measure(ctx context.Context, job Job, positions func() (slice, whole int64)) (Estimate, error) {
	return measure(ctx, job, positions, clock.Real{})
}

func measure(ctx context.Context, job Job, positions func() (slice, whole int64), c clock.Clock) (Estimate, error) {
	m := meter{job: job, clock: c}
	polling, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.poll(polling)
	}()
	err := job.Run(ctx)
	stop()
	<-done
	if err != nil {
		return Estimate{}, err
	}
	if err := ctx.Err(); err != nil {
		return Estimate{}, context.Cause(ctx)
	}
	return m.estimate(positions()), nil
}

// meter watches a job.
type meter struct {
	job    Job
	clock  clock.Clock
	begun  time.Time // when records were seen first
	before int64     // how many there were then
	heap   uint64
}

func (m *meter) poll(ctx context.Context) {
	var mem runtime.MemStats
	for {
		if m.begun.IsZero() {
			if m.before = read(m.job); m.before > 0 {
				m.begun = m.clock.Now()
			}
		}
		if !m.begun.IsZero() {
			runtime.ReadMemStats(&mem)
			m.heap = max(m.heap, mem.HeapAlloc)
		}
		every := pollEvery
		if m.begun.IsZero() {
			every = pollFirst
		}
		ring, stop := m.clock.After(every)
		select {
		case <-ring:
		case <-ctx.Done():
			stop()
			return
		}
	}
}

func (m *meter) estimate(slice, whole int64) Estimate {
	e := Estimate{
		Records: read(m.job), LogRecords: whole, Late: m.job.Count("late"), Undecodable: m.job.Count("undecodable"), Quarantined: m.job.Count("quarantined"),
		Rows: m.job.Count("rows_written"), Keys: m.job.StateStats().Keys, PeakHeap: m.heap,
	}
	if slice > 0 {
		e.LogRows = int64(float64(e.Rows) * float64(whole) / float64(slice))
	}
	if m.begun.IsZero() { // over before the first look
		e.Short = true
		return e
	}
	e.Took = m.clock.Now().Sub(m.begun)
	e.Short = e.Took < short
	if counted := e.Records - m.before; counted > 0 && e.Took > 0 {
		e.Rate = float64(counted) / e.Took.Seconds()
		e.Whole = seconds(float64(whole) / e.Rate)
	}
	return e
}

// read is how many records the job has read.
func read(job Job) (n int64) {
	for _, s := range job.Status().Splits {
		n += s.Records
	}
	return n
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
