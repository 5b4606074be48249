package replay

import (
	"context"
	"fmt"
	"sync"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/state"
)

// Sliced is a source that reads a part of each split of another one, which must be bounded, and tells how much the whole would be.
type Sliced[T any] struct {
	whole    source.Source[T]
	fraction float64

	mu            sync.Mutex
	sliced, total int64
}

// Slice takes a fraction, above 0 and at most 1, from the middle of each split of whole: there the log is neither at its beginnings nor, with a rate that
// changed over the years, at its end. Nothing is committed to consumer groups.
func Slice[T any](whole source.Source[T], fraction float64) *Sliced[T] {
	return &Sliced[T]{whole: whole, fraction: fraction}
}

// Positions are how many positions the slice and the whole span; for Kafka those are records, but for holes that compaction and transactions leave. Both are
// zero before the source is open. It is safe for concurrent use.
func (s *Sliced[T]) Positions() (slice, whole int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sliced, s.total
}

// Open implements source.Source.
func (s *Sliced[T]) Open(ctx context.Context, env source.Env) (source.Session[T], error) {
	if !(s.fraction > 0 && s.fraction <= 1) {
		return nil, fmt.Errorf("%s: a slice of %g is no part of it: use more than 0 and at most 1", s.whole, s.fraction)
	}
	session, err := s.whole.Open(ctx, env)
	if err != nil {
		return nil, err
	}
	return &slicedSession[T]{of: s, whole: session}, nil
}

func (s *Sliced[T]) String() string { return fmt.Sprintf("%.3g %% of %s", 100*s.fraction, s.whole) }

// Codec is the whole source's.
func (s *Sliced[T]) Codec() state.Codec[T] {
	if c, ok := s.whole.(interface{ Codec() state.Codec[T] }); ok {
		return c.Codec()
	}
	return nil
}

// slicedSession neither commits nor discovers.
type slicedSession[T any] struct {
	of    *Sliced[T]
	whole source.Session[T]
}

func (s *slicedSession[T]) Splits(ctx context.Context) ([]source.Split, error) {
	splits, err := s.whole.Splits(ctx)
	if err != nil {
		return nil, err
	}
	var sliced, total int64
	for i := range splits {
		sp := &splits[i]
		if sp.Stop >= source.ToEnd {
			return nil, fmt.Errorf("split %s of %s has no end that is known before, so no part of it can be taken: bound the source", sp.ID, s.of.whole)
		}
		n := max(0, sp.Stop-sp.Start)
		k := min(n, max(1, int64(float64(n)*s.of.fraction)))
		total += n
		sliced += k
		sp.Start += (n - k) / 2
		sp.Stop = sp.Start + k
	}
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.of.sliced, s.of.total = sliced, total
	return splits, nil
}

func (s *slicedSession[T]) Reader(ctx context.Context, split source.Split, at int64) (source.Reader[T], error) {
	return s.whole.Reader(ctx, split, at)
}

func (s *slicedSession[T]) Close() error { return s.whole.Close() }
