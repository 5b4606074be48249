package streamtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/stream"
)

// Start is the processing time at which a Harness begins.
var Start = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// Harness runs a piece of a graph from records T to results O. Make it with New, Keyed or Windowed. It begins with the first Push, Watermark, AdvanceTime or Take, and
// ends with the test.
type Harness[T, O any] struct {
	t       testing.TB
	build   func(stream.DataStream[T]) stream.DataStream[O]
	readers []func(stream.DataStream[O])
	clock   *Clock
	out     Recorder[O]
	values  *byReference[T]
	late    *Output[T] // of Windowed
	kept    *kept
	running *running[T]
}

// New makes a harness of what build adds to its input. build is called again by Restore, so it makes the graph from nothing but its argument. Further outputs go
// to a Recorder by stream.To; what they hold is complete after Take or Sync.
func New[T, O any](t testing.TB, build func(in stream.DataStream[T]) stream.DataStream[O]) *Harness[T, O] {
	h := &Harness[T, O]{t: t, build: build, clock: NewClock(Start), values: &byReference[T]{}}
	if t != nil {
		t.Cleanup(h.Close)
	}
	return h
}

// Push hands over a record with its event time. An error of the function fails the test.
func (h *Harness[T, O]) Push(v T, at time.Time) {
	h.helper()
	h.must(h.feed(item[T]{value: v, at: at.UnixMilli()}))
}

// PushFails hands over a record that the function refuses, and returns the error. The harness is at its end then, but for Restore.
func (h *Harness[T, O]) PushFails(v T, at time.Time) error {
	h.helper()
	err := h.feed(item[T]{value: v, at: at.UnixMilli()})
	if err == nil {
		err = h.checkpoint()
	}
	if err == nil {
		h.fatal("the record at %s was taken, and was to fail", at)
		return nil
	}
	h.running.reported = true
	return err
}

// Watermark moves event time: no record at or before at is still to come. A watermark below the last is nothing.
func (h *Harness[T, O]) Watermark(at time.Time) {
	h.helper()
	h.must(h.feed(item[T]{control: true, watermark: at.UnixMilli(), at: at.UnixMilli()}))
}

// AdvanceTime moves processing time and fires what it makes due.
func (h *Harness[T, O]) AdvanceTime(d time.Duration) {
	h.helper()
	h.must(h.checkpoint())
	h.clock.Advance(d)
	// A task looks at the clock after each chunk: when the second is used up, the first one's look is over. What tasks further down do goes by
	// checkpoints in the same way.
	for range 2 {
		h.must(h.feed())
	}
	for range 2 {
		h.must(h.checkpoint())
	}
}

// Now is the processing time.
func (h *Harness[T, O]) Now() time.Time { return h.clock.Now() }

// End ends the input: event time comes to its end and everything fires.
func (h *Harness[T, O]) End() {
	h.helper()
	r, err := h.start()
	h.must(err)
	close(r.feed.end)
	<-r.ended
	h.must(r.err)
}

// Take is the results since the last Take, without those taken back.
func (h *Harness[T, O]) Take() []O {
	h.helper()
	return values(h.TakeRows())
}

// TakeRows is the results since the last Take with their timestamps, those taken back as deletes.
func (h *Harness[T, O]) TakeRows() []sink.Row[O] {
	h.helper()
	h.sync()
	return h.out.TakeRows()
}

// Sync waits until all that was pushed has gone through.
func (h *Harness[T, O]) Sync() {
	h.helper()
	h.sync()
}

// TakeLate is the records since the last TakeLate that came too late for the windows of Windowed.
func (h *Harness[T, O]) TakeLate() []T {
	h.helper()
	if h.late == nil {
		h.fatal("TakeLate is for harnesses made by Windowed; elsewhere send stream.Late to a Recorder")
		return nil
	}
	return h.late.Take()
}

// Snapshot takes the state as it is.
func (h *Harness[T, O]) Snapshot() Snapshot[T] {
	h.helper()
	h.sync()
	entries, err := h.kept.entries()
	h.must(err)
	return Snapshot[T]{entries, h.values}
}

// Restore goes on from a snapshot, of this harness or another, as a job does after a crash: with new functions, and without what it did since. Results not
// taken yet are dropped.
func (h *Harness[T, O]) Restore(s Snapshot[T]) {
	h.helper()
	h.stop()
	h.drop()
	kept, err := newKept(s.entries)
	h.must(err)
	h.kept, h.values, h.running = kept, s.values, nil
	_, err = h.start()
	h.must(err)
}

// Close ends the harness where it is. With a test it is called by itself.
func (h *Harness[T, O]) Close() {
	h.stop()
	if r := h.running; r != nil && r.err != nil && !r.reported {
		r.reported = true
		h.fatal("%v", r.err)
	}
}

// drop drops the results that were not taken.
func (h *Harness[T, O]) drop() {
	h.out.TakeRows()
	if h.late != nil {
		h.late.recorder.TakeRows()
	}
}

func (h *Harness[T, O]) sync() {
	h.helper()
	if r, err := h.start(); err == nil && r.finished() {
		return
	}
	h.must(h.checkpoint())
}

func (h *Harness[T, O]) helper() {
	if h.t != nil {
		h.t.Helper()
	}
}

func (h *Harness[T, O]) must(err error) {
	h.helper()
	if err != nil {
		if h.running != nil {
			h.running.reported = true
		}
		h.fatal("%v", err)
	}
}

func (h *Harness[T, O]) fatal(format string, args ...any) {
	if h.t == nil {
		panic(fmt.Sprintf("streamtest: "+format, args...))
	}
	h.t.Helper()
	h.t.Fatalf(format, args...)
}

func (h *Harness[T, O]) mustBeNew(what string) {
	if h.running != nil {
		h.fatal("%s is called before the first Push", what)
	}
}

// running is a job under way.
type running[T any] struct {
	feed        *feed[T]
	run         *runtime.Run
	checkpoints checkpoints
	cancel      context.CancelFunc
	ended       chan struct{}
	err         error // of the job, once it has ended
	reported    bool
}

var errEnded = errors.New("the input has ended")

func (r *running[T]) finished() bool {
	select {
	case <-r.ended:
		return r.err == nil
	default:
		return false
	}
}

// wait waits for c, or the end of the job.
func (r *running[T]) wait(c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	case <-r.ended:
		if r.err == nil {
			return errEnded
		}
		return r.err
	}
}

// start starts the job if it is not running yet, and waits for its first checkpoint.
func (h *Harness[T, O]) start() (*running[T], error) {
	if h.running != nil {
		return h.running, nil
	}
	if h.kept == nil {
		kept, err := newKept(nil)
		if err != nil {
			return nil, err
		}
		h.kept = kept
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running[T]{feed: newFeed[T](), checkpoints: make(checkpoints, 1), cancel: cancel, ended: make(chan struct{})}
	h.running = r
	job := stream.NewJob("streamtest",
		stream.Backend(h.kept), stream.UnderTest(h.clock.fake, func(run *runtime.Run) { r.run = run }), stream.WithMeter(r.checkpoints),
		stream.Logger(slog.New(slog.DiscardHandler)), stream.StatusEvery(0), stream.CheckpointEvery(rarely), stream.StopTimeout(rarely))
	in := stream.From(job, "input", r.feed, r.feed.strategy())
	records := stream.WithCodec(stream.FlatMap(in, func(i item[T], emit func(T)) {
		if !i.control {
			emit(i.value)
		}
	}, stream.Name("records")), h.values)
	out := h.build(records)
	for _, read := range h.readers {
		read(out)
	}
	stream.To(out, "output", &h.out)
	go func() {
		defer close(r.ended)
		r.err = job.Run(ctx)
	}()
	err := r.wait(r.checkpoints)
	if errors.Is(err, errEnded) { // restored at its end
		err = nil
	}
	return r, err
}

const rarely = 100 * 365 * 24 * time.Hour

// stop stops the job.
func (h *Harness[T, O]) stop() {
	if r := h.running; r != nil {
		r.cancel()
		<-r.ended
	}
}

// feed hands items to the source and waits until they have been through its task.
func (h *Harness[T, O]) feed(items ...item[T]) error {
	r, err := h.start()
	if err != nil {
		return err
	}
	p := &piece[T]{items: items, used: make(chan struct{})}
	select {
	case r.feed.chunks <- p:
	case <-r.ended:
		return r.wait(nil)
	}
	return r.wait(p.used)
}

// checkpoint takes a checkpoint: barriers go behind all records, so when it is complete all of them have been processed and written.
func (h *Harness[T, O]) checkpoint() error {
	r, err := h.start()
	if err != nil {
		return err
	}
	r.run.Checkpoint()
	return r.wait(r.checkpoints)
}

// checkpoints is a meter that tells when a checkpoint is complete.
type checkpoints chan struct{}

func (c checkpoints) Counter(name string, _ ...string) stream.Counter {
	if name == "checkpoints" {
		return checkpointCounter(c)
	}
	return nothing{}
}

type checkpointCounter chan struct{}

func (c checkpointCounter) Add(int64) {
	select {
	case c <- struct{}{}:
	default: // the last one: nobody waits for it
	}
}

type nothing struct{}

func (nothing) Add(int64) {}
