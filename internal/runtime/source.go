package runtime

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/ledger"
	"github.com/millrace/millrace/internal/metrics"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/limit"
	"github.com/millrace/millrace/watermark"
)

// SourceConfig is what a source operator's tasks share.
type SourceConfig[T any] struct {
	Name     string
	Source   source.Source[T]
	Strategy watermark.Strategy[T]
	// Aligned says that an exchange follows, so that splits share a clock and are kept together unless the strategy says otherwise.
	Aligned bool
	// Reuse says that the chain is done with a record's value when Push returns.
	Reuse bool
	// Build fuses the operators of a split's task.
	Build func(t *Task) SourceChain[T]
}

// SourceChain is what a split's task feeds.
type SourceChain[T any] struct {
	Next    flow.Pusher[T]
	Control flow.Control
	// Bad decides about a record that could not be decoded: an error fails the job.
	Bad func(m *flow.Meta, e *source.DecodeError) error
	// Future takes a record whose timestamp is beyond the guard.
	Future flow.Pusher[T]
}

// slice is how many records a source processes at most between looks at its commands and the clock.
const slice = 256

type reading[T any] struct {
	chunk source.Chunk[T]
	err   error
}

// sourceTask is the task loop of one split.
type sourceTask[T any] struct {
	cfg     *SourceConfig[T]
	task    *Task
	split   *Split
	session source.Session[T]
	SourceChain[T]
	generate watermark.Generator[T]
	stamp    func(T) time.Time
	guardMs  int64 // far-future guard; MaxInt64 for off
	fetched  chan reading[T]
	chunk    source.Chunk[T]
	record   source.Record[T]
	ready    bool         // record is the next of the chunk, not pushed yet
	ticket   limit.Ticket // for the slice that comes next
	meta     flow.Meta

	watermark int64
	position  int64
	bytes     int64     // read
	quietFrom time.Time // since when nothing came
	stopped   bool      // reads nothing any more
	last      bool      // the last barrier is behind it
	midLog    bool      // the first record to come is not the first of the log
	in        metrics.Counter
	skipped   metrics.Counter
	held      metrics.Counter
}

func (s *sourceTask[T]) loop() error {
	t := s.task
	ctx, cancel := context.WithCancel(t.Ctx)
	pumped := make(chan struct{})
	defer func() { cancel(); <-pumped; t.turn("pump has ended"); s.pay(t.Clock.Now(), 0, 0) }()
	if s.split.finished.Load() { // by an earlier run
		close(pumped)
		s.stopped = true
		if err := s.end(); err != nil {
			return err
		}
	} else {
		go s.pump(ctx, pumped)
		if err := s.begin(); err != nil {
			return err
		}
	}
	s.quietFrom = t.Clock.Now()
	for {
		t.turn("goes on")
		select {
		case c := <-t.command:
			if done, err := s.obey(c); done || err != nil {
				return err
			}
			continue
		default:
		}
		if done, err := s.step(); done || err != nil {
			return err
		}
	}
}

// step works, or waits for what it lacks.
func (s *sourceTask[T]) step() (done bool, err error) {
	if s.chunk == nil || s.stopped {
		return s.await()
	}
	if _, ahead := s.task.run.Splits.ahead(s.split); ahead {
		return s.pause()
	}
	if now, wait, changed := s.draw(); wait > 0 {
		return s.hold(now, wait, changed)
	}
	return false, s.work()
}

// begin puts event time where the restored job left it.
func (s *sourceTask[T]) begin() error {
	t := s.task
	if s.watermark == math.MinInt64 {
		return nil
	}
	if s.generate != nil {
		s.generate.Restore(s.watermark)
	}
	w := s.watermark
	return t.guard(func() error { return s.Control.Advance(w) })
}

// refuse lets a split that was drained by an earlier run stay so when nothing new has come.
func (s *sourceTask[T]) refuse(ctx context.Context) error {
	reader, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer reader.Close()
	for {
		chunk, err := s.fetch(ctx, reader)
		if errors.Is(err, source.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var r source.Record[T]
		if chunk.Next(&r) {
			return fmt.Errorf("%w: split %s was drained up to %d and now has a record at %d", ErrFinished, s.split.ID, s.position, r.Offset)
		}
		if chunk.AtEnd() {
			return nil
		}
	}
}

func (s *sourceTask[T]) open(ctx context.Context) (reader source.Reader[T], err error) {
	err = s.task.run.retry(ctx, s.cfg.Name, source.IsTemporary, func() error {
		s.turn("opens")
		reader, err = s.session.Reader(ctx, s.split.Split, s.position)
		return err
	})
	return reader, err
}

func (s *sourceTask[T]) fetch(ctx context.Context, reader source.Reader[T]) (chunk source.Chunk[T], err error) {
	err = s.task.run.retry(ctx, s.cfg.Name, source.IsTemporary, func() error {
		s.turn("fetches")
		chunk, err = reader.Fetch(ctx)
		return err
	})
	s.turn("has fetched")
	if e, ok := chunk.(source.LogEnder); ok && err == nil {
		s.split.logEnd.Store(e.LogEnd())
	}
	return chunk, err
}

// pump fetches ahead of the task, one chunk.
func (s *sourceTask[T]) pump(ctx context.Context, done chan struct{}) {
	defer close(done)
	s.turn("begins")
	hand := func(r reading[T]) bool {
		defer s.turn("has handed over")
		if s.task.run.turns != nil && ctx.Err() != nil {
			return false
		}
		select {
		case s.fetched <- r:
			return r.err == nil
		case <-ctx.Done():
			return false
		}
	}
	reader, err := s.open(ctx)
	if err != nil {
		hand(reading[T]{err: err})
		return
	}
	defer reader.Close()
	for {
		chunk, err := s.fetch(ctx, reader)
		if !hand(reading[T]{chunk, err}) {
			return
		}
	}
}

// await waits for a chunk, a command or a time.
func (s *sourceTask[T]) await() (done bool, err error) {
	fetched := s.fetched
	if s.stopped {
		fetched = nil
	}
	select {
	case r := <-fetched:
		return false, s.got(r)
	default:
	}
	if err := s.task.flushAll(); err != nil {
		return false, err
	}
	return s.wait(idle, fetched, nil, s.idleIn(), time.Time{})
}

// pause waits for slower splits, still obeying commands.
func (s *sourceTask[T]) pause() (done bool, err error) {
	t := s.task
	s.split.paused.Store(true)
	defer s.split.paused.Store(false)
	t.run.Splits.idle.Add(1)
	defer t.run.Splits.idle.Add(-1)
	moved, ahead := t.run.Splits.ahead(s.split) // again: who moves now sees that somebody waits
	if !ahead {
		return false, nil
	}
	if err := t.flushAll(); err != nil {
		return false, err
	}
	return s.wait(paused, nil, moved, pausePoll, time.Time{})
}

// wait stops the task until a chunk or a command comes, moved is closed, or time is up: atMost, unless it is 0, or what the operators want to be woken for. It
// does what came. The time counts as a.
func (s *sourceTask[T]) wait(a activity, fetched <-chan reading[T], moved <-chan struct{}, atMost time.Duration, since time.Time) (done bool, err error) {
	t := s.task
	ring, stop := t.alarm(atMost)
	defer stop()
	if !since.IsZero() && t.Clock.Now().Sub(since) >= atMost { // it passed before the alarm was set
		return false, nil
	}
	var r reading[T]
	var c command
	told, rung := false, false
	came := nothing
	if p := t.run.turns; p != nil {
		came = p.Pick(len(fetched) > 0, len(t.command) > 0, closed(moved), t.Ctx.Err() != nil)
	}
	t.shares.enter(a)
	switch came {
	case 0:
		r = <-fetched
	case 1:
		c, told = <-t.command, true
	case 2:
	case 3:
		return false, context.Cause(t.Ctx)
	default:
		select {
		case r = <-fetched:
		case c = <-t.command:
			told = true
		case q := <-t.asked.questions:
			q()
		case <-moved:
		case <-ring:
			rung = true
		case <-t.Ctx.Done():
			t.turn("is given up")
			return false, context.Cause(t.Ctx)
		}
	}
	t.shares.enter(busy)
	t.turn("has waited")
	switch {
	case r.chunk != nil || r.err != nil:
		return false, s.got(r)
	case told:
		return s.obey(c)
	case rung:
		return false, s.rung(a)
	}
	return false, nil
}

// rung is what the alarm was for.
func (s *sourceTask[T]) rung(a activity) error {
	if a == idle {
		if err := s.checkIdle(); err != nil {
			return err
		}
	}
	return s.task.between()
}

// pausePoll bounds how long a paused split may miss that the slowest has moved: between its look and its waiting.
const pausePoll = 20 * time.Millisecond

func (s *sourceTask[T]) got(r reading[T]) error {
	if r.err != nil {
		if errors.Is(r.err, source.EOF) {
			s.stopped = true
			if s.split.Stop < source.ToEnd { // what lay between the last record and the stop is read
				s.position = max(s.position, s.split.Stop)
				s.split.position.Store(s.position)
			}
			s.split.finished.Store(true)
			s.task.run.Splits.step()
			return s.end()
		}
		s.task.At = s.cfg.Name
		return s.task.wrap(r.err)
	}
	s.chunk = r.chunk
	if s.split.atEnd.Swap(r.chunk.AtEnd()) != r.chunk.AtEnd() {
		s.task.run.Splits.step()
	}
	return nil
}

// work processes a slice of the chunk.
func (s *sourceTask[T]) work() error {
	t := s.task
	n, read := 0, s.bytes
	if err := t.guard(func() (err error) { n, err = s.push(s.ticket.Events); return err }); err != nil {
		return err
	}
	if n > 0 && s.split.idle.Load() {
		s.setIdle(false)
	}
	if !s.ready { // the chunk is used up
		s.position = max(s.position, s.chunk.End())
		s.chunk = nil
	}
	now := t.Clock.Now()
	if n > 0 {
		s.quietFrom = now
	}
	s.in.Add(int64(n))
	t.book.Add(s.split.Number, ledger.In, int64(n))
	s.split.records.Add(int64(n))
	s.split.bytes.Add(s.bytes - read)
	s.pay(now, n, s.bytes-read)
	s.split.position.Store(s.position)
	s.split.watermark.Store(s.watermark)
	t.run.Splits.step()
	return t.between()
}

// push sends up to most records down the chain, and takes the next one out of the chunk: it is ready unless the chunk is used up. All that is due at or before a record's origin watermark has been done before the record:
// time is passed on as soon as a record moves it.
func (s *sourceTask[T]) push(most int) (n int, err error) {
	t, r, m := s.task, &s.record, &s.meta
	if !s.ready {
		s.ready = s.chunk.Next(r)
	}
	for ; s.ready && n < most; s.ready = s.chunk.Next(r) {
		n++
		s.bytes += int64(r.Size)
		m.Offset, m.Origin = r.Offset, s.watermark
		t.Here = m
		if r.Err != nil {
			m.Timestamp = r.Timestamp
			if err := s.undecodable(r.Err); err != nil {
				return n, err
			}
			s.position = r.Offset + 1
			continue
		}
		m.Timestamp = r.Timestamp
		if s.stamp != nil {
			t.At = s.cfg.Name
			m.Timestamp = flow.Millis(s.stamp(r.Value))
			if r.Timestamp != source.NoTimestamp && m.Timestamp > flow.AddSaturating(r.Timestamp, s.guardMs) {
				s.held.Add(1)
				t.book.End(m, ledger.Quarantined)
				m.Counted = true
				if err := s.Future.Push(m, r.Value); err != nil {
					return n, err
				}
				m.Counted = false
				s.position = r.Offset + 1
				continue
			}
		}
		if err := s.Next.Push(m, r.Value); err != nil {
			return n, err
		}
		s.position = r.Offset + 1
		if s.generate == nil {
			continue
		}
		if w := min(s.generate.OnRecord(r.Value, m.Timestamp), math.MaxInt64-1); w > s.watermark { // the end of time itself is the end of input
			if s.midLog {
				// The first record, if it is not late, is at most the bound behind what lies before it.
				s.midLog = false
				t.run.Splits.begunAt(s.split, flow.AddSaturating(m.Timestamp, m.Timestamp-1-w))
			}
			s.watermark = w
			if err := s.Control.Advance(w); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// undecodable hands on a record that cannot be decoded. One that only could not be decoded now, since what tells its schema is away, fails the run instead, to
// be read again: it is not bad, and must not be skipped.
func (s *sourceTask[T]) undecodable(err error) error {
	if source.IsTemporary(err) {
		return err
	}
	var d *source.DecodeError
	if !errors.As(err, &d) {
		d = &source.DecodeError{Raw: source.Raw{Topic: s.split.Topic, Partition: s.split.Partition, Offset: s.meta.Offset}, Err: err}
	}
	s.skipped.Add(1)
	return s.Bad(&s.meta, d)
}

// idleIn is when the split will have been silent for long enough to be idle; 0 for never.
func (s *sourceTask[T]) idleIn() time.Duration {
	d := s.cfg.Strategy.Idleness
	if d <= 0 || s.stopped || s.split.Stop != source.Unbounded || !s.split.atEnd.Load() || s.split.idle.Load() {
		return 0
	}
	return max(time.Millisecond, d-s.task.Clock.Now().Sub(s.quietFrom))
}

func (s *sourceTask[T]) checkIdle() error {
	d := s.cfg.Strategy.Idleness
	if s.idleIn() == 0 || s.task.Clock.Now().Sub(s.quietFrom) < d {
		return nil
	}
	s.setIdle(true)
	return s.task.flushAll()
}

func (s *sourceTask[T]) setIdle(idle bool) {
	s.split.idle.Store(idle)
	for _, w := range s.task.writers {
		w.SetIdle(idle)
	}
	s.task.run.Splits.step()
}

// end passes on the end of input, or only reports it where the job keeps its windows open.
func (s *sourceTask[T]) end() error {
	t := s.task
	if t.run.cfg.NoDrain {
		return t.unit.exhausted(t.Ctx, t.id)
	}
	return s.drain()
}

func (s *sourceTask[T]) drain() error {
	s.watermark = math.MaxInt64
	s.split.watermark.Store(s.watermark)
	return s.task.drain(s.Control)
}

func (s *sourceTask[T]) obey(c command) (done bool, err error) {
	t := s.task
	switch c.kind {
	case cmdBarrier:
		if c.stop || c.last {
			s.stopped, s.last = true, true
		}
		return false, t.snapshot(c)
	case cmdCommitted:
		return false, t.committed(c.epoch)
	case cmdDrain:
		if s.watermark == math.MaxInt64 || s.last { // drained already, or the job stops
			return false, nil
		}
		s.stopped, s.chunk, s.ready = true, nil, false
		s.split.finished.Store(true)
		t.run.Splits.step()
		return false, s.drain()
	}
	return true, nil
}
