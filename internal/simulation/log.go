package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/state"
)

// Log is a source: a topic whose partitions grow while the job reads them.
type Log[T any] struct {
	w       *World
	p       *process
	broker  *broker
	name    string
	records [][]T
	codec   state.Codec[T]
	at      func(T) time.Time
}

// broker is what of a log outlives processes.
type broker struct {
	written []int // records that are there, by partition
	pace    int   // most records that are written between two fetches; 0 for all at once
	chunk   int   // most records that a fetch brings
}

func (*broker) contents() []string { return nil }

// NewLog is the log of that name. Its records must be the same in every process.
func NewLog[T any](w *World, name string, records [][]T) *Log[T] {
	b := last(w, "log "+name, func() *broker {
		b := &broker{written: make([]int, len(records)), pace: one(w.chance, 0, 0, 1, 3, 20), chunk: one(w.chance, 1, 3, 10, 50)}
		if w.plan.Calm {
			b.pace, b.chunk = 0, 1000
		}
		return b
	})
	return &Log[T]{w: w, p: w.process, broker: b, name: name, records: records}
}

// WithCodec says how values are stored when an operator keeps them.
func (l Log[T]) WithCodec(c state.Codec[T]) *Log[T] { l.codec = c; return &l }

// WithTimestamps gives each record a timestamp of its log, as a Kafka topic would.
func (l Log[T]) WithTimestamps(of func(T) time.Time) *Log[T] { l.at = of; return &l }

// Codec is what WithCodec was given, or nil.
func (l *Log[T]) Codec() state.Codec[T] { return l.codec }

func (l *Log[T]) String() string {
	return fmt.Sprintf("simulated log %s of %d partitions", l.name, len(l.records))
}

// Open implements source.Source.
func (l *Log[T]) Open(context.Context, source.Env) (source.Session[T], error) {
	return l, l.call("opening " + l.name)
}

// call gives way before it fails or not.
func (l *Log[T]) call(what string) error {
	l.w.turns.Wait("call of "+what, "is made")
	return l.w.fails(what)
}

// Close implements source.Session.
func (l *Log[T]) Close() error { return nil }

// Splits implements source.Session.
func (l *Log[T]) Splits(context.Context) ([]source.Split, error) {
	if err := l.call("listing " + l.name); err != nil {
		return nil, err
	}
	splits := make([]source.Split, len(l.records))
	for i, records := range l.records {
		splits[i] = source.Split{
			ID: fmt.Sprintf("%s/%d", l.name, i), Topic: l.name, Partition: int32(i), Partitions: int32(len(l.records)), Stop: int64(l.w.share(len(records))),
		}
	}
	return splits, nil
}

// Reader implements source.Session.
func (l *Log[T]) Reader(_ context.Context, split source.Split, at int64) (source.Reader[T], error) {
	if err := l.call("reading " + split.ID); err != nil {
		return nil, err
	}
	return &reader[T]{log: l, split: split, at: int(at)}, nil
}

type reader[T any] struct {
	log   *Log[T]
	split source.Split
	at    int
}

func (r *reader[T]) Close() error { return nil }

// poll is how long a fetch waits for records that do not come.
const poll = 10 * time.Millisecond

// Fetch implements source.Reader.
func (r *reader[T]) Fetch(ctx context.Context) (source.Chunk[T], error) {
	l, w := r.log, r.log.w
	if err := l.w.fails("fetching " + r.split.ID); err != nil {
		return nil, err
	}
	stop := int(r.split.Stop)
	if r.at >= stop {
		return nil, source.EOF
	}
	l.broker.grow(w.chance, int(r.split.Partition), stop)
	written := l.broker.written[r.split.Partition]
	if written <= r.at {
		if err := r.wait(ctx, poll); err != nil {
			return nil, err
		}
	} else if w.faults.happens(Stall) {
		d := time.Duration(1+w.chance.IntN(300)) * time.Millisecond
		w.trace.fate("%s stalls for %s", r.split.ID, d)
		if err := r.wait(ctx, d); err != nil {
			return nil, err
		}
	}
	n := max(0, min(1+w.chance.IntN(l.broker.chunk), written-r.at))
	if w.faults.happens(ResponseLost) {
		w.trace.fate("%s: %d records from %d, and the answer is lost", r.split.ID, n, r.at)
		return nil, source.Temporary(injected(ResponseLost))
	}
	w.trace.note("%s: %d records from %d", r.split.ID, n, r.at)
	c := &chunk[T]{log: l, records: l.records[r.split.Partition][r.at:][:n], at: r.at, end: r.at + n, logEnd: max(written, r.at)}
	r.at += n
	return c, nil
}

func (r *reader[T]) wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	r.log.w.turns.Wait("fetch of "+r.split.ID, "has waited")
	if r.log.p.dead.Load() {
		return errDead
	}
	return ctx.Err()
}

// grow is what producers wrote since the last fetch, of stop records in all.
func (b *broker) grow(r *rand.Rand, partition, stop int) {
	if b.pace == 0 {
		b.written[partition] = stop
		return
	}
	b.written[partition] = min(stop, b.written[partition]+r.IntN(b.pace+1))
}

type chunk[T any] struct {
	log             *Log[T]
	records         []T
	at, end, logEnd int
}

func (c *chunk[T]) Next(r *source.Record[T]) bool {
	if len(c.records) == 0 {
		return false
	}
	*r = source.Record[T]{Value: c.records[0], Timestamp: source.NoTimestamp, Offset: int64(c.at)}
	if c.log.at != nil {
		r.Timestamp = c.log.at(r.Value).UnixMilli()
	}
	c.records = c.records[1:]
	c.at++
	return true
}

func (c *chunk[T]) End() int64    { return int64(c.end) }
func (c *chunk[T]) AtEnd() bool   { return c.end == c.logEnd }
func (c *chunk[T]) LogEnd() int64 { return int64(c.logEnd) }
