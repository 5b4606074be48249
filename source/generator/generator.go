// Package generator makes records by a function of their position: for demos, benchmarks and tests with more data than one wants to keep.
//
// The function must depend on its arguments alone, so that a job that is restarted, or run at another speed, sees the same records.
package generator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/state"
)

// Forever as the number of records makes splits that never end.
const Forever int64 = source.Unbounded

// Source is a generator. It is immutable: the With methods return a changed copy.
type Source[T any] struct {
	name     string
	splits   int
	perSplit int64
	make     func() func(split int, i int64) (T, time.Time)
	rate     float64
	codec    state.Codec[T]
}

// New makes perSplit records in each split. record gives the i-th of a split, from 0, and the timestamp that its log has for it; the zero time means
// that the log has none. It is called from several goroutines at once.
func New[T any](splits int, perSplit int64, record func(split int, i int64) (T, time.Time)) *Source[T] {
	return &Source[T]{name: "generator", splits: splits, perSplit: perSplit, make: func() func(int, int64) (T, time.Time) { return record }}
}

// Seeded is New with random numbers: r starts anew for every record, from seed, split and i, so that each record is the same whenever it is made.
// r must not be kept.
func Seeded[T any](seed uint64, splits int, perSplit int64, record func(r *rand.Rand, split int, i int64) (T, time.Time)) *Source[T] {
	s := New[T](splits, perSplit, nil)
	s.make = func() func(int, int64) (T, time.Time) {
		var pcg rand.PCG
		r := rand.New(&pcg)
		return func(split int, i int64) (T, time.Time) {
			pcg.Seed(seed+uint64(split)*0x9e3779b97f4a7c15, uint64(i))
			return record(r, split, i)
		}
	}
	return s
}

// WithName names the source in plans, splits and errors; the default is "generator".
func (s Source[T]) WithName(name string) *Source[T] { s.name = name; return &s }

// WithCodec says how values are stored when an operator keeps them.
func (s Source[T]) WithCodec(c state.Codec[T]) *Source[T] { s.codec = c; return &s }

// WithRate limits the source to so many records a second of wall clock, all splits together. A reader that fell behind, because the job was slow, makes
// up for a second at most. 0, the default, means no limit.
func (s Source[T]) WithRate(perSecond float64) *Source[T] { s.rate = perSecond; return &s }

// Codec is what WithCodec was given, or nil.
func (s *Source[T]) Codec() state.Codec[T] { return s.codec }

// Open implements source.Source. It fails for numbers that make no sense.
func (s *Source[T]) Open(context.Context, source.Env) (source.Session[T], error) {
	var all []error
	if s.splits < 1 || s.splits > math.MaxInt32 {
		all = append(all, fmt.Errorf("generator %s: %d splits, want at least 1", s.name, s.splits))
	}
	if s.perSplit < 0 {
		all = append(all, fmt.Errorf("generator %s: %d records a split, want 0 or more", s.name, s.perSplit))
	}
	if s.rate < 0 || math.IsNaN(s.rate) || math.IsInf(s.rate, 0) {
		all = append(all, fmt.Errorf("generator %s: rate %v, want records per second, or 0 for no limit", s.name, s.rate))
	}
	if err := errors.Join(all...); err != nil {
		return nil, err
	}
	return session[T]{s}, nil
}

func (s *Source[T]) String() string {
	n := fmt.Sprint(s.perSplit)
	if s.perSplit == Forever {
		n = "forever"
	}
	return fmt.Sprintf("generator name=%s splits=%d records=%s", s.name, s.splits, n)
}

type session[T any] struct{ *Source[T] }

func (s session[T]) Splits(context.Context) ([]source.Split, error) {
	out := make([]source.Split, s.splits)
	for i := range out {
		out[i] = source.Split{ID: fmt.Sprintf("%s/%d", s.name, i), Topic: s.name, Partition: int32(i), Partitions: int32(s.splits), Stop: s.perSplit}
	}
	return out, nil
}

func (s session[T]) Reader(_ context.Context, split source.Split, at int64) (source.Reader[T], error) {
	if split.Partition < 0 || int(split.Partition) >= s.splits {
		return nil, fmt.Errorf("split %s: partition %d of a generator with %d: was the state written by another source?", split.ID, split.Partition, s.splits)
	}
	if at < 0 {
		return nil, fmt.Errorf("split %s: position %d, want 0 or more", split.ID, at)
	}
	return &reader[T]{
		make: s.make, split: int(split.Partition), at: at, stop: min(split.Stop, s.perSplit),
		pace: newPace(s.rate / float64(s.splits)),
	}, nil
}

func (s session[T]) Close() error { return nil }
