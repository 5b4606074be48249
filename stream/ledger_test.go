package stream_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/state"
	memorystate "github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/streamtest"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// fork emits a number once to its output for each 2 that divides it, and the odd ones aside.
type fork struct{ odd *stream.Tag[int] }

func (f fork) Process(ctx *stream.Context, n int, out *stream.Collector[int]) error {
	if n%2 == 1 {
		return stream.EmitTo(ctx, f.odd, n)
	}
	for ; n > 0 && n%2 == 0; n /= 2 {
		out.Emit(n)
	}
	return nil
}

// last keeps the last number of a key and emits it twice.
type last struct{ stream.ValueState[int] }

func (l *last) Open(ctx *stream.OpenContext) error {
	l.ValueState = stream.NewValue(ctx, "last", codec.Int())
	return nil
}

func (l *last) Process(_ *stream.Context, in stream.Keyed[int, int], out *stream.Collector[int]) error {
	l.Set(in.Value)
	out.Emit(in.Value)
	out.Emit(in.Value)
	return nil
}

// Every record ends in one class, whatever the job does with it. The numbers are 0 to 99, at so many milliseconds, in one split.
func TestLedgerClasses(t *testing.T) {
	even := func(n int) bool { return n%2 == 0 }
	mod := func(n int) int { return n % 7 }
	odd := stream.NewTag[int]("odd")
	for _, c := range []struct {
		name  string
		build func(stream.DataStream[int])
		want  string
	}{
		{"to a sink", func(s stream.DataStream[int]) { to(s) }, "100 in = 100 used"},
		{"to nobody", func(stream.DataStream[int]) {}, "100 in = 0 used + 100 filtered"},
		{"to nobody behind a map", func(s stream.DataStream[int]) { stream.Map(s, identity) }, "100 in = 0 used + 100 filtered"},
		{"filter", func(s stream.DataStream[int]) { to(stream.Filter(s, even)) }, "100 in = 50 used + 50 filtered"},
		{"two readers", func(s stream.DataStream[int]) {
			to(stream.Filter(s, even))
			to2(s, "all")
		}, "100 in + 100 copied = 150 used + 50 filtered"},
		{"flatmap", func(s stream.DataStream[int]) {
			to(stream.FlatMap(s, func(n int, emit func(int)) {
				for range n % 4 {
					emit(n)
				}
			}))
		}, "100 in + 75 copied = 150 used + 25 filtered"},
		{"function with a side output", func(s stream.DataStream[int]) {
			to2(stream.SideOutput(stream.Process(s, "fork", fork{odd}), odd), "odd")
		}, "100 in + 46 copied = 50 used + 96 filtered"}, // nobody reads the even ones
		{"function whose side output nobody reads", func(s stream.DataStream[int]) { to(stream.Process(s, "fork", fork{odd})) }, "100 in + 46 copied = 95 used + 51 filtered"},
		{"union with itself", func(s stream.DataStream[int]) { to(stream.Union(s, stream.Filter(s, even))) }, "100 in + 100 copied = 150 used + 50 filtered"},
		{"union of records and of what came of them", func(s stream.DataStream[int]) {
			sums := stream.Reduce(stream.Window(stream.KeyBy(s, mod), window.Tumbling(10*ms)), "sums", sum)
			to(stream.Union(s, sums))
		}, "100 in + 100 copied = 200 used"},
		{"windows", func(s stream.DataStream[int]) {
			to(stream.Reduce(stream.Window(stream.KeyBy(s, mod), window.Tumbling(10*ms)), "sums", sum))
		}, "100 in = 100 used"},
		{"windows that lie apart", func(s stream.DataStream[int]) {
			to(stream.Reduce(stream.Window(stream.KeyBy(s, mod), window.Sliding(10*ms, 20*ms)), "sums", sum))
		}, "100 in = 50 used + 50 filtered"},
		{"windows that overlap", func(s stream.DataStream[int]) {
			to(stream.Reduce(stream.Window(stream.KeyBy(s, mod), window.Sliding(20*ms, 10*ms)), "sums", sum))
		}, "100 in = 100 used"},
		{"windows one after the other", func(s stream.DataStream[int]) {
			first := stream.Reduce(stream.Window(stream.KeyBy(s, mod), window.Tumbling(10*ms)), "sums", sum)
			to(stream.Reduce(stream.Window(stream.All(first), window.Tumbling(50*ms)), "sums of sums", sum))
		}, "100 in = 100 used"},
		{"late records, read", func(s stream.DataStream[int]) {
			again := stream.FlatMap(s, func(n int, emit func(int)) { emit(n); emit(n % 50) })
			w := stream.Window(stream.KeyBy(stream.AssignTimestamps(again, watermark.Monotonous(atMilli)), mod), window.Tumbling(10*ms))
			to(stream.Reduce(w, "sums", sum))
			to2(stream.Late(w), "late")
		}, "100 in + 100 copied = 150 used + 50 late"},
		{"keyed state", func(s stream.DataStream[int]) {
			keyed := stream.KeyBy(s, mod)
			to(stream.Process(keyed, "last", stream.PerTask[stream.Keyed[int, int], int](func() *last { return &last{} })))
		}, "100 in = 100 used"},
		{"spread over tasks", func(s stream.DataStream[int]) {
			spread := stream.Rebalance(stream.Filter(s, even), 3)
			to(stream.Reduce(stream.Window(stream.KeyBy(spread, mod, stream.KeyCodec(codec.Int())), window.Tumbling(10*ms)), "sums", sum))
		}, "100 in = 50 used + 50 filtered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := newJob(stream.CheckpointEvery(ms), stream.DefaultParallelism(3), stream.BatchSize(4))
			c.build(fromNumbers(j, 100))
			streamtest.Run(t, j)
			l := j.Status().Ledger
			require.NoError(t, l.Balanced())
			require.Equal(t, c.want, l.Total().String())
			require.Equal(t, []string{"numbers", "memory/0"}, []string{l[0].Operator, l[0].Split})
		})
	}
}

// What is wrong at the source ends there, and is not counted again in the sinks that it goes to.
func TestLedgerOfBadRecords(t *testing.T) {
	for _, c := range []struct {
		name  string
		opts  []stream.SourceOption
		build func(stream.DataStream[int])
		want  string
	}{
		{"dead letters", nil, func(s stream.DataStream[int]) { to2(stream.DeadLetters(s), "bad") }, "100 in = 90 used + 10 dead lettered"},
		{"skipped", []stream.SourceOption{stream.SkipUndecodable()}, func(stream.DataStream[int]) {}, "100 in = 90 used + 10 skipped"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := newJob()
			s := stream.From[int](j, "numbers", undecodable{numbers(100)}, watermark.Monotonous(atMilli), c.opts...)
			to(s)
			c.build(s)
			streamtest.Run(t, j)
			require.Equal(t, c.want, j.Status().Ledger.Total().String())
		})
	}
	t.Run("quarantined", func(t *testing.T) {
		for _, read := range []bool{false, true} {
			j := newJob()
			day := int(24 * time.Hour / ms)
			src := memory.Splits([][]int{{1, 3 * day}, {2}}).WithTimestamps(func(int) time.Time { return time.UnixMilli(0) })
			s := stream.From(j, "numbers", src, watermark.Monotonous(atMilli))
			to(s)
			if read {
				to2(stream.Quarantined(s), "future")
			}
			streamtest.Run(t, j)
			l := j.Status().Ledger
			require.Equal(t, "2 in = 1 used + 1 quarantined", l[0].Counts.String())
			require.Equal(t, "1 in = 1 used", l[1].Counts.String())
		}
	})
	t.Run("expired", func(t *testing.T) {
		dir := t.TempDir()
		j, _ := cutJob(dir, 10, 0, 0)
		require.NoError(t, j.Run(t.Context()))
		j, _ = cutJob(dir, 40, 0, 15, stream.AllowLogCut())
		require.NoError(t, j.Run(t.Context()))
		require.Equal(t, "40 in = 35 used + 5 expired", j.Status().Ledger.Total().String())
	})
}

// The ledger goes on where the last checkpoint left it: after a failure, at another parallelism, behind another exchange.
func TestLedgerAfterRestarts(t *testing.T) {
	dir := t.TempDir()
	for i, failAt := range []int{130, 260, 390, -1} {
		j := newJob(append(durable(dir), stream.CheckpointEvery(ms), stream.DefaultParallelism(1+2*i), stream.BatchSize(1+i))...)
		s := stream.From(j, "numbers", memory.Splits([][]int{upTo(500), upTo(500)}).WithChunkSize(10), watermark.Monotonous(atMilli))
		checked := stream.TryMap(s, func(n int) (int, error) {
			if n == failAt {
				time.Sleep(5 * ms) // some checkpoints are behind it
				return 0, errBroken
			}
			return n, nil
		})
		kept := stream.Filter(checked, func(n int) bool { return n%5 > 0 })
		to(stream.Reduce(stream.Window(stream.KeyBy(kept, func(n int) int { return n % 13 }), window.Tumbling(10*ms)), "sums", sum))
		err := j.Run(t.Context())
		require.NoError(t, j.Status().Ledger.Balanced())
		if failAt >= 0 {
			require.ErrorIs(t, err, errBroken)
			continue
		}
		require.NoError(t, err)
		for _, e := range j.Status().Ledger {
			require.Equal(t, "500 in = 400 used + 100 filtered", e.Counts.String(), "%s", e.Split)
		}
	}
}

// shortStore loses one used record of the first split from the saved ledger.
type shortStore struct{ state.Store }

func (s shortStore) Scan(from, to []byte, visit func(k, v []byte) bool) error {
	return s.Store.Scan(from, to, func(k, v []byte) bool {
		if string(k) == "mledger/numbers/memory/0" {
			v = []byte(strings.Replace(string(v), `"Used":10`, `"Used":9`, 1))
		}
		return visit(k, v)
	})
}

// A ledger that does not balance is told of when the next checkpoint shows it, counted, and fails the run at its end, which has no restart.
func TestUnbalancedLedger(t *testing.T) {
	dir := t.TempDir()
	run := func(b state.Backend, n int) (*stream.Job, string, error) {
		var log bytes.Buffer
		j := newJob(stream.StateDir(dir), stream.Backend(b), stream.NoDrain(), stream.Logger(slog.New(slog.NewTextHandler(&log, nil))), stream.Restart(stream.FixedDelay(3, ms)))
		to(stream.From(j, "numbers", memory.Splits([][]int{upTo(n), upTo(n)}), watermark.Monotonous(atMilli)))
		err := j.Run(t.Context())
		return j, log.String(), err
	}
	_, log, err := run(memorystate.Backend(), 10)
	require.NoError(t, err)
	require.NotContains(t, log, "balance")
	j, log, err := run(wrapping{memorystate.Backend(), func(s state.Store) state.Store { return shortStore{s} }}, 12)
	require.ErrorIs(t, err, stream.ErrUnbalanced)
	require.ErrorContains(t, err, `of split memory/0 of "numbers" 1 that were read did not end (12 in != 11 used)`)
	require.NotContains(t, err.Error(), "memory/1")
	require.EqualValues(t, 1, j.Count("ledger_unbalanced"))
	require.Zero(t, j.Count("restarts"))
	require.Equal(t, 1, strings.Count(log, "level=ERROR"), log)
	require.Contains(t, log, "split=memory/0 difference=1")
}

// Rows are used once for a sink with a parallelism of its own.
func TestLedgerOfSplits(t *testing.T) {
	j := newJob()
	s := stream.From(j, "numbers", memory.Splits([][]int{upTo(3), nil, upTo(5)}), watermark.Monotonous(atMilli))
	stream.To(s, "list", &sinkmemory.List[int]{}, stream.Parallelism(2))
	streamtest.Run(t, j)
	var lines []string
	for _, e := range j.Status().Ledger {
		lines = append(lines, e.Split+": "+e.Counts.String())
	}
	require.Equal(t, []string{"memory/0: 3 in = 3 used", "memory/1: 0 in = 0 used", "memory/2: 5 in = 5 used"}, lines)
}
