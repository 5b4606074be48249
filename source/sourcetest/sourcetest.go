// Package sourcetest is the conformance kit every source passes: what the engine relies on when it reads a source, restarts it in the middle, bounds
// it, and lets it go.
//
// A source's own tests fill a log with known records and hand it to Run:
//
//	sourcetest.Run(t, sourcetest.Config[string]{Source: memory.Of("a", "b"), Want: [][]string{{"a", "b"}}})
package sourcetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/millrace/millrace/source"
)

// Config is the source under test and what is known of it.
type Config[T any] struct {
	// Source holds the same records for as long as Run runs. Its splits may be bounded, or unbounded with nobody writing to them.
	Source source.Source[T]
	// Want is what the good records of each split are, in the order of Splits; nil leaves the content open.
	Want [][]T
	// Bad is how many records of all splits together cannot be decoded.
	Bad int
	// Equal compares values; nil means reflect.DeepEqual. Protobuf messages need proto.Equal.
	Equal func(a, b T) bool
	// Positions is how many positions of each split are tried for resuming and stopping, spread evenly; 0 means 50.
	Positions int
	// Timeout bounds each single check; 0 means 30 s.
	Timeout time.Duration
	// Env is passed to Open; a nil Logger discards.
	Env source.Env
}

// promptly is how soon Fetch must return once its context is done.
const promptly = 5 * time.Second

// Run checks everything, each promise as a subtest of its own.
func Run[T any](t *testing.T, cfg Config[T]) {
	t.Helper()
	leaks := goleak.IgnoreCurrent()
	for _, c := range checks[T]() {
		t.Run(c.name, func(t *testing.T) {
			if err := c.run(cfg); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("no goroutine is left", func(t *testing.T) { goleak.VerifyNone(t, leaks) })
}

type check[T any] struct {
	name string
	do   func(k *kit[T], ctx context.Context) error
}

func checks[T any]() []check[T] {
	return []check[T]{
		{"splits are stable and well formed", (*kit[T]).splitsStable},
		{"all records in order", (*kit[T]).readAll},
		{"resuming gives the rest", (*kit[T]).resume},
		{"stop is exclusive", (*kit[T]).stopExclusive},
		{"chunks stay valid", (*kit[T]).chunksStay},
		{"chunks are walked beside fetching", (*kit[T]).pumped},
		{"readers are independent", (*kit[T]).independent},
		{"cancellation returns promptly", (*kit[T]).cancellation},
		{"closing twice does no harm", (*kit[T]).closeTwice},
	}
}

// kit is one check's view: an open session, its splits, and what a first pass read of them.
type kit[T any] struct {
	cfg     Config[T]
	session source.Session[T]
	splits  []source.Split // as the session gave them
	bounded []source.Split // with the stop where the first pass ended, if they had none
	all     [][]record[T]  // by split
}

func (c check[T]) run(cfg Config[T]) (err error) {
	if cfg.Equal == nil {
		cfg.Equal = func(a, b T) bool { return reflect.DeepEqual(a, b) }
	}
	if cfg.Positions == 0 {
		cfg.Positions = 50
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.Env.Logger == nil {
		cfg.Env.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithTimeout(context.Background(), cfg.Timeout)
	defer cancel()
	k := &kit[T]{cfg: cfg}
	if k.session, err = cfg.Source.Open(ctx, cfg.Env); err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer func() { err = errors.Join(err, closing("session", k.session)) }()
	if k.splits, err = k.session.Splits(ctx); err != nil {
		return fmt.Errorf("splits: %w", err)
	}
	for _, s := range k.splits {
		got, end, err := k.read(ctx, s, s.Start)
		if err != nil {
			return fmt.Errorf("split %s from its start: %w", s.ID, err)
		}
		if s.Stop == source.Unbounded {
			s.Stop = end
		}
		k.bounded, k.all = append(k.bounded, s), append(k.all, got)
	}
	return c.do(k, ctx)
}

func closing(what string, c io.Closer) error {
	if err := c.Close(); err != nil {
		return fmt.Errorf("close %s: %w", what, err)
	}
	return nil
}

// sample is at most n of the indices 0..count, evenly spread, with both ends.
func sample(count, n int) []int {
	if count < n {
		n = count + 1
	}
	var out []int
	for i := range n {
		out = append(out, i*count/max(n-1, 1))
	}
	return slices.Compact(out)
}
