package stream_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/state"
	memorystate "github.com/millrace/millrace/state/memory"
	pebblestate "github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// A commitStep is a moment in the commit of a checkpoint that has a transaction.
type commitStep string

const (
	beforePending commitStep = "before the checkpoint is pending"
	afterPending  commitStep = "after the checkpoint is pending"
	beforeCommit  commitStep = "before the transaction is committed"
	answerLost    commitStep = "the answer of the commit is lost"
	beforeApply   commitStep = "before the checkpoint is applied"
	afterApply    commitStep = "after the checkpoint is applied"
	atBegin       commitStep = "a transaction is begun"
	atSettle      commitStep = "transactions are settled"
	atWrite       commitStep = "rows are written"
)

var commitSteps = []commitStep{beforePending, afterPending, beforeCommit, answerLost, beforeApply, afterApply, atBegin, atSettle, atWrite}

// steps asks a function at each step of a job's commits, and fails where it does.
type steps struct {
	state.Backend
	at func(commitStep) error
	// lose is what the store forgets of what it is given; nil for nothing.
	lose func(key, value []byte) bool
}

func (s *steps) Open(dir string, memory int64) (state.Store, error) {
	store, err := s.Backend.Open(dir, memory)
	if err != nil {
		return nil, err
	}
	return steppedStore{store, s}, nil
}

type steppedStore struct {
	state.Store
	*steps
}

func (s steppedStore) Commit(b *state.Batch) error {
	var before, after commitStep
	kept := &state.Batch{}
	_ = b.Each(func(key, value []byte, del bool) error {
		if strings.HasPrefix(string(key), "mtransaction/") {
			before, after = beforeApply, afterApply
			if strings.Contains(string(value), "Pending") {
				before, after = beforePending, afterPending
			}
		}
		switch {
		case del:
			kept.Delete(key)
		case s.lose == nil || !s.lose(key, value):
			kept.Set(key, value)
		}
		return nil
	})
	if before == "" {
		return s.Store.Commit(kept)
	}
	if err := s.at(before); err != nil {
		return err
	}
	if err := s.Store.Commit(kept); err != nil {
		return err
	}
	return s.at(after)
}

// sinkCalls has the function asked at the steps that the sink's system sees.
func (s *steps) sinkCalls(system *sinkmemory.System) {
	system.FailWhen(func(c sinkmemory.Call) error {
		switch c {
		case sinkmemory.Commit:
			return s.at(beforeCommit)
		case sinkmemory.Answer:
			return s.at(answerLost)
		case sinkmemory.Begin:
			return s.at(atBegin)
		case sinkmemory.Settle:
			return s.at(atSettle)
		case sinkmemory.Write:
			return s.at(atWrite)
		}
		return nil
	})
}

// exactJob writes numbers and what it drops of them to two lists of a system.
type exactJob struct {
	steps
	dir     string
	shared  bool
	splits  [][]int
	system  sinkmemory.System
	numbers *sinkmemory.Transacted[int]
	odd     *sinkmemory.Transacted[int]
}

func newExactJob(t *testing.T, backend state.Backend, shared bool, n int) *exactJob {
	e := &exactJob{dir: t.TempDir(), shared: shared, splits: make([][]int, 3)}
	e.Backend, e.at = backend, func(commitStep) error { return nil }
	for i := range n {
		e.splits[i%3] = append(e.splits[i%3], i)
	}
	e.numbers, e.odd = sinkmemory.NewTransacted[int](&e.system), sinkmemory.NewTransacted[int](&e.system)
	e.sinkCalls(&e.system)
	return e
}

func (e *exactJob) build(opts ...stream.JobOption) *stream.Job {
	j := newJob(append([]stream.JobOption{stream.StateDir(e.dir), stream.Backend(&e.steps), stream.CheckpointEvery(ms), stream.RetryFor(0)}, opts...)...)
	in := stream.From(j, "numbers", memory.Splits(e.splits).WithChunkSize(50), watermark.Monotonous(atMilli))
	slowly := stream.Map(in, func(n int) int {
		if n%50 < 3 {
			time.Sleep(50 * time.Microsecond)
		}
		return n
	})
	if e.shared {
		slowly = stream.Rebalance(slowly, 2)
	}
	stream.To(slowly, "all", e.numbers)
	stream.To(stream.Filter(slowly, func(n int) bool { return n%2 == 1 }), "odd", e.odd)
	return j
}

// rows checks that the lists have each number once.
func (e *exactJob) rows(t *testing.T) {
	t.Helper()
	var want, odd []int
	for _, s := range e.splits {
		want = append(want, s...)
	}
	slices.Sort(want)
	for _, n := range want {
		if n%2 == 1 {
			odd = append(odd, n)
		}
	}
	got := e.numbers.Rows()
	slices.Sort(got)
	require.Equal(t, want, got)
	got = e.odd.Rows()
	slices.Sort(got)
	require.Equal(t, odd, got)
}

// toTheEnd runs the job, and again after each failure that is broken on purpose, until it is finished.
func (e *exactJob) toTheEnd(t *testing.T) (failures int) {
	t.Helper()
	for range 200 {
		j := e.build(stream.Restart(stream.FixedDelay(1, 0)))
		err := j.Run(t.Context())
		failures += int(j.Count("restarts"))
		if err == nil {
			return failures
		}
		require.ErrorIs(t, err, errBroken)
		failures++
	}
	require.Fail(t, "the job makes no progress")
	return failures
}

// nowAndThen says when something fails: at calls 1, 3, 6, 10 and so on, so that a job comes to its end.
type nowAndThen struct{ calls, gap atomic.Int64 }

func (n *nowAndThen) fails() bool {
	if n.gap.CompareAndSwap(0, 1) {
		n.calls.Store(1)
	}
	if n.calls.Add(-1) > 0 {
		return false
	}
	n.calls.Store(n.gap.Add(1))
	return true
}

// Whatever fails at whatever step of a commit, each row is committed once: in one unit or in several, on each backend, in two sinks alike.
func TestExactlyOnceWhateverFails(t *testing.T) {
	for _, step := range commitSteps {
		for name, backend := range map[string]state.Backend{"memory": memorystate.Backend(), "pebble": pebblestate.Backend()} {
			for _, shared := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/shared=%t", step, name, shared), func(t *testing.T) {
					t.Parallel()
					e := newExactJob(t, backend, shared, 3000)
					var now nowAndThen
					e.at = func(s commitStep) error {
						if s == step && now.fails() {
							return fmt.Errorf("%s: %w", s, errBroken)
						}
						return nil
					}
					failures := e.toTheEnd(t)
					require.Positive(t, failures)
					e.rows(t)
				})
			}
		}
	}
}

// Whatever comes next fails, now and then.
func TestExactlyOnceWhenAllFails(t *testing.T) {
	for _, shared := range []bool{false, true} {
		e := newExactJob(t, memorystate.Backend(), shared, 6000)
		var now nowAndThen
		e.at = func(s commitStep) error {
			if now.fails() {
				return fmt.Errorf("%s: %w", s, errBroken)
			}
			return nil
		}
		require.Positive(t, e.toTheEnd(t))
		e.rows(t)
	}
}

// What the engine would do wrong without one of its safeguards is noticed: the test above can fail.
func TestExactlyOnceNeedsItsSafeguards(t *testing.T) {
	for name, c := range map[string]struct {
		step commitStep
		lose func(key, value []byte) bool
		says string
	}{
		"what is pending": {answerLost, func(key, _ []byte) bool { return strings.HasPrefix(string(key), "mpending/") }, "is missing"},
		"that it is pending": {answerLost, func(key, value []byte) bool {
			return strings.HasPrefix(string(key), "mtransaction/") && strings.Contains(string(value), "Pending")
		}, "does not go with"},
		"that it is applied": {afterApply, func(key, value []byte) bool {
			return strings.HasPrefix(string(key), "mtransaction/") && !strings.Contains(string(value), "Pending") && !strings.Contains(string(value), `"transaction-1"`)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := newExactJob(t, memorystate.Backend(), true, 3000)
			e.lose = c.lose
			var calls atomic.Int64
			e.at = func(s commitStep) error {
				if s == c.step && calls.Add(1) == 2 {
					return errBroken
				}
				return nil
			}
			require.ErrorIs(t, e.build().Run(t.Context()), errBroken)
			err := e.build().Run(t.Context())
			require.Error(t, err)
			require.ErrorContains(t, err, c.says)
		})
	}
}

// The state that a unit ends with, when it is stopped, is the one that the next goes on from; rows after its last checkpoint are none.
func TestExactlyOnceStopAndGoOn(t *testing.T) {
	for _, shared := range []bool{false, true} {
		e := newExactJob(t, memorystate.Backend(), shared, 20_000)
		stops := 0
		for {
			ctx, cancel := context.WithTimeout(t.Context(), 30*ms)
			j := e.build()
			require.NoError(t, j.Run(ctx))
			cancel()
			if finished(j) {
				break
			}
			stops++
		}
		require.Positive(t, stops)
		e.rows(t)
		require.NoError(t, e.build().Run(t.Context()), "a finished job has nothing to do")
		e.rows(t)
	}
}

// A second instance that was started by mistake, without the state, ends the first for good, although that may restart, and writes nothing itself. Then the first goes on.
func TestExactlyOnceFencesTheOlder(t *testing.T) {
	e := newExactJob(t, memorystate.Backend(), true, 200_000)
	second := newExactJob(t, memorystate.Backend(), true, 200_000)
	second.numbers, second.odd = e.numbers, e.odd
	var once sync.Once
	refused := make(chan error, 1)
	var calls atomic.Int64
	e.at = func(s commitStep) error {
		if s == beforeCommit && calls.Add(1) == 4 {
			once.Do(func() { refused <- second.build(stream.Restart(stream.FixedDelay(100, 0))).Run(t.Context()) })
		}
		return nil
	}
	j := e.build(stream.Restart(stream.FixedDelay(100, 0)))
	err := j.Run(t.Context())
	require.ErrorIs(t, err, sink.ErrFenced)
	err = <-refused
	require.ErrorIs(t, err, stream.ErrUnsettled)
	require.ErrorContains(t, err, "written once more")
	require.Zero(t, j.Count("restarts"))
	require.NoError(t, e.build().Run(t.Context()))
	e.rows(t)
}

// No unit writes before all that a job starts with are settled: a copy of the state that is made while rows are committed knows the units they may come from.
func TestNoUnitWritesBeforeAllAreSettled(t *testing.T) {
	e := newExactJob(t, memorystate.Backend(), false, 3000)
	var asked, settled atomic.Int64
	e.at = func(s commitStep) error {
		switch {
		case s == atSettle:
			if asked.Add(1) == 2 {
				time.Sleep(100 * ms)
			}
			settled.Add(1)
		case s == atWrite && settled.Load() < 3:
			return errors.New("rows were written before a unit was settled")
		}
		return nil
	}
	require.NoError(t, e.build().Run(t.Context()))
	e.rows(t)
}

// Markers expire. That matters only where something is pending.
func TestExactlyOnceWithoutItsMarker(t *testing.T) {
	e := newExactJob(t, memorystate.Backend(), true, 6000)
	var calls atomic.Int64
	broken := func(step commitStep, call int64) {
		calls.Store(0)
		e.at = func(s commitStep) error {
			if s == step && calls.Add(1) == call {
				return errBroken
			}
			return nil
		}
	}
	broken(afterApply, 2) // the first is the marker that a new unit sets
	require.ErrorIs(t, e.build().Run(t.Context()), errBroken)
	e.system.Forget()
	for i := range e.splits {
		e.splits[i] = append(e.splits[i], 6000+i) // there is something left to commit
	}
	broken(beforeCommit, 2) // as is that of one that has lost its marker
	require.ErrorIs(t, e.build().Run(t.Context()), errBroken)
	e.system.Forget()
	err := e.build().Run(t.Context())
	require.ErrorIs(t, err, stream.ErrUnsettled)
	require.ErrorContains(t, err, "cannot be told")
	require.ErrorContains(t, e.build(stream.Restart(stream.FixedDelay(5, 0))).Run(t.Context()), "cannot be told", "again and again")
}

// A checkpoint that is larger than one part waits in several.
func TestExactlyOnceWithLargeCheckpoints(t *testing.T) {
	dir := t.TempDir()
	var system sinkmemory.System
	list := sinkmemory.NewTransacted[string](&system)
	run := func() error {
		j := newJob(stream.StateDir(dir), stream.Backend(pebblestate.Backend()), stream.CheckpointEvery(time.Hour), stream.NoDrain())
		in := fromNumbers(j, 3000)
		long := stream.Reduce(stream.Window(stream.KeyBy(stream.Map(in, func(n int) string { return strings.Repeat(fmt.Sprint(n%10), 2000) + fmt.Sprint(n) }), func(s string) string { return s }),
			window.Tumbling(time.Hour)), "long", func(a, _ string) string { return a })
		stream.To(long, "none", list)
		stream.To(stream.Map(in, func(n int) string { return fmt.Sprint(n) }), "rows", list)
		return j.Run(t.Context())
	}
	system.FailWhen(func(c sinkmemory.Call) error {
		if c == sinkmemory.Answer && len(list.Rows()) == 3000 { // the first checkpoint may have a few of them
			return errBroken
		}
		return nil
	})
	require.ErrorIs(t, run(), errBroken)
	require.Len(t, list.Rows(), 3000)
	system.FailWhen(nil)
	require.NoError(t, run())
	require.Len(t, list.Rows(), 3000, "the windows are in the state, and nothing was read again")
}

type around struct{ sink.Sink[int] }

func (a around) Unwrap() any { return a.Sink }

// joinless opens writers that know nothing of transactions.
type joinless struct{ *sinkmemory.Transacted[int] }

func (j joinless) Open(ctx context.Context, env sink.Env) (sink.Writer[int], error) {
	w, err := j.Transacted.Open(ctx, env)
	return struct{ sink.Writer[int] }{w}, err
}

func TestTransactionalSinkWithPlainWriters(t *testing.T) {
	j := newJob(stream.StateDir(t.TempDir()))
	var system sinkmemory.System
	stream.To(fromNumbers(j, 1), "rows", sink.Sink[int](joinless{sinkmemory.NewTransacted[int](&system)}))
	require.ErrorContains(t, j.Run(t.Context()), "joins no transactions")
}

func TestExactlyOnceBuildErrors(t *testing.T) {
	var one, two sinkmemory.System
	j := newJob()
	stream.To(fromNumbers(j, 1), "rows", sinkmemory.NewTransacted[int](&one))
	require.ErrorContains(t, j.Run(t.Context()), "set StateDir")
	j = newJob(stream.StateDir(t.TempDir()), stream.CheckpointEvery(0))
	stream.To(fromNumbers(j, 1), "rows", sinkmemory.NewTransacted[int](&one))
	require.ErrorContains(t, j.Run(t.Context()), "exactly once")
	j = newJob(stream.StateDir(t.TempDir()))
	in := fromNumbers(j, 1)
	stream.To(in, "rows", sinkmemory.NewTransacted[int](&one))
	stream.To(in, "others", sinkmemory.NewTransacted[int](&two))
	err := j.Run(t.Context())
	require.ErrorContains(t, err, "two systems")
	require.ErrorContains(t, err, `"rows" and "others"`)

	// A sink that is wrapped keeps its transactions.
	j = newJob(stream.StateDir(t.TempDir()))
	wrapped := sinkmemory.NewTransacted[int](&one)
	stream.To(fromNumbers(j, 10), "rows", sink.Sink[int](around{wrapped}))
	require.NoError(t, j.Run(t.Context()))
	require.Equal(t, upTo(10), wrapped.Rows())

	// Partitions that commit by themselves may write to systems of their own.
	j = newJob(stream.StateDir(t.TempDir()))
	var three sinkmemory.System
	a, b := sinkmemory.NewTransacted[int](&three), sinkmemory.NewTransacted[int](&two)
	stream.To(fromNumbers(j, 10), "a", a)
	stream.To(stream.From(j, "other numbers", numbers(20), watermark.Monotonous(atMilli)), "b", b)
	require.NoError(t, j.Run(t.Context()))
	require.Equal(t, upTo(10), a.Rows())
	require.Equal(t, upTo(20), b.Rows())
	require.Len(t, two.Markers(), 1)
}

// A job that is no longer exactly once cannot settle what it left.
func TestExactlyOnceTakenAway(t *testing.T) {
	e := newExactJob(t, memorystate.Backend(), true, 3000)
	var calls atomic.Int64
	e.at = func(s commitStep) error {
		if s == answerLost && calls.Add(1) == 2 {
			return errBroken
		}
		return nil
	}
	require.ErrorIs(t, e.build().Run(t.Context()), errBroken)
	j := newJob(stream.StateDir(e.dir), stream.Backend(&e.steps))
	in := stream.Rebalance(stream.From(j, "numbers", memory.Splits(e.splits), watermark.Monotonous(atMilli)), 2)
	stream.To(in, "all", &sinkmemory.List[int]{})
	stream.To(in, "odd", &sinkmemory.List[int]{})
	err := j.Run(t.Context())
	require.ErrorIs(t, err, stream.ErrUnsettled)
	require.ErrorContains(t, err, "start it once with")
	require.False(t, errors.Is(err, errBroken))
	require.Positive(t, e.toTheEnd(t)+1)
	e.rows(t)
}
