package memory

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/state"
)

// Live is a log in memory that grows while jobs read it: a topic for tests. It is a source; its splits are unbounded until Close. A job started again
// on the same Live goes on where its state says, as it would with a topic. It is safe for concurrent use.
type Live[T any] struct {
	config[T]
	logs []*log[T]
}

// pollWait is how long Fetch waits for a record before it reports that there is none.
const pollWait = 100 * time.Millisecond

// log is one split. Values below len never change, so chunks are views of the slice.
type log[T any] struct {
	mu     sync.Mutex
	values []T
	closed bool
	grown  chan struct{} // closed when the log grows or ends; nil while nobody waits
}

// NewLive makes an empty log of so many splits; of none where splits is not positive.
func NewLive[T any](splits int) *Live[T] {
	l := &Live[T]{config: defaults[T](), logs: make([]*log[T], max(splits, 0))}
	for i := range l.logs {
		l.logs[i] = &log[T]{}
	}
	return l
}

// WithName, WithTimestamps, WithCodec and WithChunkSize are as for Source; the copy they return shares the log.
func (l Live[T]) WithName(name string) *Live[T]                { l.name = name; return &l }
func (l Live[T]) WithTimestamps(of func(T) time.Time) *Live[T] { l.timestamp = of; return &l }
func (l Live[T]) WithCodec(c state.Codec[T]) *Live[T]          { l.codec = c; return &l }
func (l Live[T]) WithChunkSize(n int) *Live[T]                 { l.setChunk(n); return &l }

// Codec is what WithCodec was given, or nil.
func (l *Live[T]) Codec() state.Codec[T] { return l.codec }

// Append adds values at the end of a split and wakes its readers. It fails for a split that does not exist and after Close.
func (l *Live[T]) Append(split int, values ...T) error {
	if split < 0 || split >= len(l.logs) {
		return fmt.Errorf("memory: split %d of a log with %d", split, len(l.logs))
	}
	g := l.logs[split]
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return fmt.Errorf("memory: append to split %d of a closed log", split)
	}
	g.values = append(g.values, values...)
	g.wake()
	return nil
}

// Close ends every split where it stands: readers see EOF there. Doing it twice is doing it once.
func (l *Live[T]) Close() {
	for _, g := range l.logs {
		g.mu.Lock()
		g.closed = true
		g.wake()
		g.mu.Unlock()
	}
}

func (g *log[T]) wake() {
	if g.grown != nil {
		close(g.grown)
		g.grown = nil
	}
}

// look returns what lies at and after a position, whether the log has ended, and what to wait on where nothing lies there.
func (g *log[T]) look(at int64) (values []T, closed bool, grown <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if at < int64(len(g.values)) {
		return g.values[at:len(g.values):len(g.values)], g.closed, nil
	}
	if g.grown == nil && !g.closed {
		g.grown = make(chan struct{})
	}
	return nil, g.closed, g.grown
}

// Open implements source.Source. It never fails.
func (l *Live[T]) Open(context.Context, source.Env) (source.Session[T], error) {
	return liveSession[T]{l}, nil
}

func (l *Live[T]) String() string {
	return fmt.Sprintf("memory live name=%s splits=%d", l.name, len(l.logs))
}

type liveSession[T any] struct{ l *Live[T] }

func (s liveSession[T]) Splits(context.Context) ([]source.Split, error) {
	out := make([]source.Split, len(s.l.logs))
	for i, g := range s.l.logs {
		stop := source.Unbounded
		g.mu.Lock()
		if g.closed {
			stop = int64(len(g.values))
		}
		g.mu.Unlock()
		out[i] = s.l.split(i, len(s.l.logs), stop)
	}
	return out, nil
}

func (s liveSession[T]) Reader(_ context.Context, split source.Split, at int64) (source.Reader[T], error) {
	if err := check(split, at, len(s.l.logs)); err != nil {
		return nil, err
	}
	return &liveReader[T]{config: &s.l.config, log: s.l.logs[split.Partition], at: at, stop: split.Stop}, nil
}

func (s liveSession[T]) Close() error { return nil }

type liveReader[T any] struct {
	config   *config[T]
	log      *log[T]
	at, stop int64
}

func (r *liveReader[T]) Fetch(ctx context.Context) (source.Chunk[T], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.at >= r.stop {
		return nil, source.EOF
	}
	values, closed, grown := r.log.look(r.at)
	if len(values) == 0 && !closed {
		wait := time.NewTimer(pollWait)
		defer wait.Stop()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-wait.C:
		case <-grown:
		}
		values, closed, _ = r.log.look(r.at)
	}
	if len(values) == 0 && closed {
		return nil, source.EOF
	}
	n := min(int64(len(values)), int64(r.config.chunk), r.stop-r.at)
	c := &chunk[T]{config: r.config, values: values[:n], offset: r.at, end: r.at + n, logEnd: r.at + int64(len(values)), atEnd: n == int64(len(values)) || r.at+n == r.stop}
	r.at += n
	return c, nil
}

func (r *liveReader[T]) Close() error { return nil }
