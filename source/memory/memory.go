// Package memory feeds a job from slices, or from a log in memory that a test appends to while the job runs.
//
// A position is an index: the first value of a split is at 0. Values are handed over as they are, not copied.
package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/state"
)

// Source is a bounded source over slices. It is immutable: the With methods return a changed copy.
type Source[T any] struct {
	config[T]
	splits [][]T
}

// config is what a Source and a Live have in common.
type config[T any] struct {
	name      string
	timestamp func(T) time.Time
	codec     state.Codec[T]
	chunk     int
}

const defaultChunk = 512

func defaults[T any]() config[T] { return config[T]{name: "memory", chunk: defaultChunk} }

// Of is a source with one split that holds the values.
func Of[T any](values ...T) *Source[T] { return Splits([][]T{values}) }

// Splits is a source with a split for each slice. The slices must not change afterwards.
func Splits[T any](splits [][]T) *Source[T] { return &Source[T]{config: defaults[T](), splits: splits} }

// WithName names the source in plans, splits and errors; the default is "memory".
func (s Source[T]) WithName(name string) *Source[T] { s.name = name; return &s }

// WithTimestamps gives each record a timestamp of its log, as a Kafka topic would; without it records have none.
func (s Source[T]) WithTimestamps(of func(T) time.Time) *Source[T] { s.timestamp = of; return &s }

// WithCodec says how values are stored when an operator keeps them.
func (s Source[T]) WithCodec(c state.Codec[T]) *Source[T] { s.codec = c; return &s }

// WithChunkSize is how many records one Fetch hands over at most: 512 by default, and where n is not positive.
func (s Source[T]) WithChunkSize(n int) *Source[T] { s.setChunk(n); return &s }

func (c *config[T]) setChunk(n int) {
	if c.chunk = n; n <= 0 {
		c.chunk = defaultChunk
	}
}

// Codec is what WithCodec was given, or nil.
func (s *Source[T]) Codec() state.Codec[T] { return s.codec }

// Open implements source.Source. It never fails.
func (s *Source[T]) Open(context.Context, source.Env) (source.Session[T], error) {
	return session[T]{s}, nil
}

func (s *Source[T]) String() string {
	return fmt.Sprintf("memory name=%s splits=%d", s.name, len(s.splits))
}

type session[T any] struct{ *Source[T] }

func (s session[T]) Splits(context.Context) ([]source.Split, error) {
	out := make([]source.Split, len(s.splits))
	for i, values := range s.splits {
		out[i] = s.split(i, len(s.splits), int64(len(values)))
	}
	return out, nil
}

func (c *config[T]) split(i, of int, stop int64) source.Split {
	return source.Split{ID: fmt.Sprintf("%s/%d", c.name, i), Topic: c.name, Partition: int32(i), Partitions: int32(of), Stop: stop}
}

func (s session[T]) Reader(_ context.Context, split source.Split, at int64) (source.Reader[T], error) {
	if err := check(split, at, len(s.splits)); err != nil {
		return nil, err
	}
	values := s.splits[split.Partition]
	return &reader[T]{config: &s.config, values: values, at: at, stop: min(split.Stop, int64(len(values)))}, nil
}

// check refuses a split of another source and a position outside the split.
func check(split source.Split, at int64, splits int) error {
	if split.Partition < 0 || int(split.Partition) >= splits {
		return fmt.Errorf("split %s: partition %d of a source with %d: was the state written by another source?", split.ID, split.Partition, splits)
	}
	if at < 0 {
		return fmt.Errorf("split %s: position %d, want 0 or more", split.ID, at)
	}
	return nil
}

func (s session[T]) Close() error { return nil }

type reader[T any] struct {
	config   *config[T]
	values   []T
	at, stop int64
}

func (r *reader[T]) Fetch(ctx context.Context) (source.Chunk[T], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.at >= r.stop {
		return nil, source.EOF
	}
	end := min(r.at+int64(r.config.chunk), r.stop)
	c := &chunk[T]{config: r.config, values: r.values[r.at:end], offset: r.at, end: end, logEnd: int64(len(r.values)), atEnd: end == r.stop}
	r.at = end
	return c, nil
}

func (r *reader[T]) Close() error { return nil }
