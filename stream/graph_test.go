package stream_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// totals adds up values; it can take them back.
type totals struct{}

func (totals) New() int             { return 0 }
func (totals) Add(a, v int) int     { return a + v }
func (totals) Retract(a, v int) int { return a - v }
func (totals) Merge(a, b int) int   { return a + b }
func (totals) Result(key int, w window.TimeWindow, a int) string {
	return fmt.Sprintf("%d%s=%d", key, w, a)
}

// oneWay is totals that cannot take anything back.
type oneWay struct{}

func (oneWay) New() int           { return 0 }
func (oneWay) Add(a, v int) int   { return a + v }
func (oneWay) Merge(a, b int) int { return a + b }
func (oneWay) Result(key int, w window.TimeWindow, a int) string {
	return fmt.Sprintf("%d%s=%d", key, w, a)
}

// inPlace is totals that adds in place, and must not be asked to do it otherwise.
type inPlace struct{ totals }

func (inPlace) Add(int, int) int { panic("called beside AddTo") }
func (inPlace) AddTo(a *int, v int) {
	*a += v
}

func TestAddToTakesThePlaceOfAdd(t *testing.T) {
	run := func(f stream.Aggregator[int, int, int, string]) []string {
		j := newJob()
		in := stream.From(j, "numbers", numbers(100), watermark.BoundedOutOfOrderness(time.Second, atMilli))
		byThree := stream.KeyBy(in, func(n int) int { return n % 3 })
		var out sinkmemory.List[string]
		stream.To(stream.Aggregate(stream.Window(byThree, window.Tumbling(10*time.Millisecond)), "sums", f), "out", &out)
		require.NoError(t, j.Run(t.Context()))
		return slices.Sorted(slices.Values(out.Rows()))
	}
	want := run(totals{})
	require.Len(t, want, 30)
	require.Equal(t, want, run(inPlace{}))
}

// halved is sessions of half the gap.
type halved struct{ window.SessionAssigner }

func (h halved) Assign(dst []window.TimeWindow, ts int64) []window.TimeWindow {
	return append(dst, window.OfGap(ts, h.Gap().Milliseconds()/2))
}

// An assigner of one's own assigns, also where it has its other methods from the package's sessions.
func TestAssignersThatEmbedSessionsAssign(t *testing.T) {
	run := func(a window.Assigner) []string {
		j := newJob()
		in := stream.From(j, "numbers", numbers(100), watermark.BoundedOutOfOrderness(time.Second, atMilli))
		spread := stream.Filter(in, func(n int) bool { return n%7 == 0 })
		var out sinkmemory.List[string]
		stream.To(stream.Aggregate(stream.Window(stream.KeyBy(spread, func(int) int { return 0 }), a), "sums", totals{}), "out", &out)
		require.NoError(t, j.Run(t.Context()))
		return out.Rows()
	}
	require.Len(t, run(window.EventTimeSession(10*time.Millisecond)), 1)
	require.Len(t, run(halved{window.EventTimeSession(10 * time.Millisecond)}), 15)
}

func TestPlan(t *testing.T) {
	build := func() *stream.Job {
		j := newJob(stream.DefaultParallelism(3))
		in := stream.From(j, "numbers", numbers(5), watermark.BoundedOutOfOrderness(time.Second, atMilli))
		even := stream.Filter(in, func(n int) bool { return n%2 == 0 }, stream.Name("even"))
		both := stream.Union(even, stream.Map(in, identity))
		windows := stream.Window(stream.KeyBy(both, identity), window.Tumbling(time.Minute), stream.AllowedLateness(time.Second))
		sums := stream.Aggregate(windows, "sums", totals{})
		stream.To(sums, "table", sinkmemory.NewTable(func(s string) string { return s }))
		stream.To(stream.Late(windows), "late", &sinkmemory.List[int]{})
		local := stream.Process(stream.KeyByPartition(in, identity), "local", stream.PerTask(func() *cells { return &cells{[]string{"a"}} }))
		stream.To(stream.Rebalance(local, 2, stream.Name("spread")), "spread out", &sinkmemory.List[int]{})
		return j
	}
	plan, err := build().Plan()
	require.NoError(t, err)
	again, err := build().Plan()
	require.NoError(t, err)
	require.Equal(t, plan, again)
	require.Equal(t, `job "job", state in memory

stage "numbers", one task per split
  source "numbers": memory name=memory splits=1; bounded out-of-orderness 1s
    filter "even"
      union "union-3"
    map "map-2"
      union "union-3"
    process "local" (partition-local)

<- hash from "union-3"
stage "sums", 3 tasks
  aggregate "sums": tumbling 1m0s
    sink "table": memory table
    sink "late": memory list

<- rebalance from "local"
stage "spread", 2 tasks
  rebalance "spread"
    sink "spread out": memory list
`, plan)
}

func TestJobOptionsAreChecked(t *testing.T) {
	j := stream.NewJob("", stream.CheckpointEvery(0), stream.DefaultParallelism(200), stream.BatchSize(0), stream.MemoryBudget(5), stream.Restart(stream.FixedDelay(1, -time.Second)))
	_, err := j.Plan()
	for _, want := range []string{
		"the job has no name", "the job has no source", "CheckpointEvery: 0s", "DefaultParallelism: 200 is not between 1 and MaxParallelism, 128", "BatchSize: 0 records",
		"MemoryBudget: 5 bytes", "restart strategy: delays -1s to -1s",
	} {
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, err.Error(), j.Run(t.Context()).Error())
	_, err = stream.NewJob("j", stream.MaxParallelism(0)).Plan()
	require.ErrorContains(t, err, "MaxParallelism: 0 is not between 1 and 32768")
}

// What cannot work is refused when the graph is built, by name and with what to do.
func TestBuildErrors(t *testing.T) {
	type in = stream.DataStream[int]
	late := func(s in, d time.Duration) stream.DataStream[int] {
		return stream.Reduce(stream.Window(stream.KeyBy(s, identity), window.Tumbling(10*ms), stream.AllowedLateness(d)), "first", sum)
	}
	for name, c := range map[string]struct {
		build func(s in)
		want  string
	}{
		"name taken": {func(s in) {
			stream.Filter(s, func(int) bool { return true }, stream.Name("x"))
			stream.Map(s, identity, stream.Name("x"))
		}, `map "x": the name is taken by the filter before it`},
		"no Retract": {func(s in) {
			stream.Aggregate(stream.Window(stream.KeyBy(late(s, ms), identity), window.Tumbling(ms), stream.AllowedLateness(ms)), "second", oneWay{})
		}, `aggregate "second": the results it reads may be taken back`},
		"no Retract behind a trigger": {func(s in) {
			first := stream.Reduce(stream.Window(stream.KeyBy(s, identity), window.Tumbling(10*ms), stream.Trigger(window.Every(ms))), "first", sum)
			stream.Reduce(stream.Window(stream.KeyBy(first, identity), window.Tumbling(10*ms)), "second", sum)
		}, `reduce "second": the results it reads may be taken back`},
		"no Retract in a function": {func(s in) { stream.Process(late(s, ms), "second", pass{}) }, `process "second": the records it reads may be taken back`},
		"less lateness": {func(s in) {
			stream.Aggregate(stream.Window(stream.KeyBy(late(s, 2*ms), identity), window.Tumbling(ms), stream.AllowedLateness(ms)), "second", totals{})
		}, `aggregate "second": its allowed lateness of 1ms is below the 2ms`},
		"results that may be taken back are not spread": {func(s in) { stream.Rebalance(late(s, ms), 2, stream.Name("r")) }, `rebalance "r": the records it reads may be taken back`},
		"nor by a sink's parallelism":                   {func(s in) { stream.To(late(s, ms), "t", sinkmemory.NewTable(identity), stream.Parallelism(2)) }, `sink "t": the records it reads may be taken back`},
		"negative lateness":                             {func(s in) { late(s, -ms) }, "an allowed lateness of -1ms is negative"},
		"bad assigner":                                  {func(s in) { stream.Window(stream.KeyBy(s, identity), window.Tumbling(0)) }, "window size of 0s"},
		"bad trigger": {func(s in) {
			stream.Window(stream.KeyBy(s, identity), window.Tumbling(ms), stream.Trigger(window.AtCount(0)))
		}, "trigger at count 0"},
		"windows used twice": {func(s in) {
			w := stream.Window(stream.KeyBy(s, identity), window.Tumbling(ms))
			stream.Reduce(w, "a", sum)
			stream.Reduce(w, "b", sum)
		}, `reduce "b": its windows are used by "a" already`},
		"late records of windows that nobody uses": {func(s in) {
			to(stream.Late(stream.Window(stream.KeyBy(s, identity), window.Tumbling(ms))))
		}, "are not used"},
		"a side output of what has none": {func(s in) {
			to(stream.SideOutput(stream.Map(s, identity, stream.Name("m")), stream.NewTag[int]("t")))
		}, `map "m": it has no side outputs`},
		"timestamps behind an exchange": {func(s in) {
			stream.AssignTimestamps(stream.Rebalance(s, 2), watermark.Monotonous(atMilli), stream.Name("stamps"))
		}, `timestamps "stamps": timestamps are assigned behind an exchange`},
		"partition-local behind an exchange": {func(s in) { stream.KeyByPartition(stream.Rebalance(s, 2), identity) }, "KeyByPartition behind an exchange"},
		"parallelism of what is local": {func(s in) {
			stream.Reduce(stream.Window(stream.KeyByPartition(s, identity), window.Tumbling(ms)), "r", sum, stream.Parallelism(2))
		}, "takes no Parallelism"},
		"parallelism of one key": {func(s in) {
			stream.Reduce(stream.Window(stream.All(s), window.Tumbling(ms)), "r", sum, stream.Parallelism(2))
		}, "all records are of one key"},
		"too much parallelism":  {func(s in) { stream.Rebalance(s, 129) }, "a parallelism of 129 is not between 1 and the maximum of 128"},
		"a key without a codec": {func(s in) { stream.KeyBy(s, func(int) [2]int { return [2]int{} }) }, "keys of type [2]int need a KeyCodec"},
		"elements without a codec": {func(s in) {
			structs := stream.Map(s, func(n int) event { return event{At: int64(n)} })
			stream.Reduce(stream.Window(stream.KeyBy(structs, userOf), window.Tumbling(ms)), "r", func(a, _ event) event { return a })
		}, `reduce "r": what its windows hold has no codec`},
		"timers without keys": {func(s in) {
			stream.Process(stream.Map(s, func(n int) stream.Keyed[string, string] { return stream.Keyed[string, string]{} }), "p", stream.PerTask(func() *stamps { return &stamps{} }))
		}, `process "p": the function has OnTimer`},
		"state without PerTask": {func(s in) { stream.Process(stream.KeyBy(s, identity), "p", &cells{}) }, "give it as stream.PerTask(constructor)"},
		"bad strategy": {func(s in) {
			stream.AssignTimestamps(s, watermark.Monotonous(atMilli).WithIdleness(-time.Second))
		}, "idleness of -1s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJob()
			c.build(fromNumbers(j, 5))
			_, err := j.Plan()
			require.ErrorContains(t, err, c.want)
		})
	}
}

// A second stage takes back what the first one does: its last results are those of a log that came in order.
func TestSecondStageRetracts(t *testing.T) {
	log := hardLog(51, 3000, 2)
	run := func(lateness time.Duration, opts ...stream.OpOption) (map[string]int, *stream.Job) {
		j := newJob(stream.BatchSize(7))
		in := stream.From(j, "clicks", memoryLog(log, 23), watermark.BoundedOutOfOrderness(time.Minute, eventTime))
		sessions := stream.Window(stream.KeyBy(in, userOf, stream.OneSplitPerKey()), window.EventTimeSession(30*time.Minute), stream.AllowedLateness(lateness))
		counted := stream.Aggregate(sessions, "sessions", eventCount{})
		hours := stream.Window(stream.All(counted), window.Tumbling(time.Hour), stream.AllowedLateness(lateness))
		table := sinkmemory.NewTable(func(c windowCount) int64 { return c.Start })
		stream.To(stream.Aggregate(hours, "hours", hourly{}), "table", table)
		require.NoError(t, j.Run(t.Context()))
		got := map[string]int{}
		for _, r := range table.Rows() {
			got[fmt.Sprint(r.Start)] = r.Events*1000 + r.Sessions
		}
		return got, j
	}
	const lateness = 12 * time.Hour
	got, j := run(lateness)
	require.Positive(t, j.Count("retractions"))
	want := map[string]int{}
	sessions := map[string][]event{}
	for _, part := range events(log) {
		for _, e := range part {
			sessions[e.User] = append(sessions[e.User], e)
		}
	}
	for _, all := range sessions { // nothing is later than the lateness, so sessions are those of the sorted log
		slices.SortFunc(all, func(a, b event) int { return int(a.At - b.At) })
		n := 0
		for i, e := range all {
			n++
			if i == len(all)-1 || all[i+1].At > e.At+30*minute {
				last := e.At + 30*minute - 1
				want[fmt.Sprint(last-last%(60*minute))] += n*1000 + 1
				n = 0
			}
		}
	}
	require.Zero(t, j.Count("late"))
	require.Equal(t, want, got)
}

type windowCount struct {
	Start            int64
	Events, Sessions int
}

type eventCount struct{}

func (eventCount) New() int                                        { return 0 }
func (eventCount) Add(a int, _ event) int                          { return a + 1 }
func (eventCount) Merge(a, b int) int                              { return a + b }
func (eventCount) Result(_ string, _ window.TimeWindow, a int) int { return a }

// hourly packs sessions and events into one number.
type hourly struct{}

func (hourly) New() int             { return 0 }
func (hourly) Add(a, n int) int     { return a + n*1_000_000 + 1 }
func (hourly) Retract(a, n int) int { return a - n*1_000_000 - 1 }
func (hourly) Merge(a, b int) int   { return a + b }
func (hourly) Result(_ struct{}, w window.TimeWindow, a int) windowCount {
	return windowCount{w.Start, a / 1_000_000, a % 1_000_000}
}

// A window whose results are all taken back is gone from the table.
func TestEverythingTakenBack(t *testing.T) {
	j := newJob()
	in := stream.From(j, "numbers", memory.Of(9, 25, 12, 60), watermark.Monotonous(atMilli))
	key := func(int) int { return 0 }
	// 9 alone ends at 12, in the window [10,20); with 12 it ends at 15: moved within. With a gap of 10 it moves out of [10,20).
	sessions := stream.Window(stream.KeyByPartition(in, key, anyPartition), window.EventTimeSession(10*ms), stream.AllowedLateness(50*ms))
	first := stream.Reduce(sessions, "first", sum)
	b := &batches[string]{traits: sink.Traits{Upserts: true}}
	windows := stream.Window(stream.KeyByPartition(first, key, anyPartition), window.Tumbling(10*ms), stream.AllowedLateness(50*ms))
	stream.To(stream.Aggregate(windows, "second", totals{}), "batches", b)
	require.NoError(t, j.Run(t.Context()))
	table := map[string]bool{}
	for _, r := range b.rows() {
		if r.Op == sink.Delete {
			require.True(t, table[r.Value], r.Value)
			delete(table, r.Value)
		} else {
			table[r.Value] = true
		}
	}
	require.Equal(t, map[string]bool{"0[20,30)=21": true, "0[30,40)=25": true, "0[60,70)=60": true}, table)
}

func TestUnion(t *testing.T) {
	j := newJob()
	a := stream.From(j, "a", memory.Splits([][]int{{1, 11, 21}, {2, 12}}).WithName("a"), watermark.Monotonous(atMilli))
	b := stream.From(j, "b", memory.Of(3, 13, 5).WithName("b"), watermark.BoundedOutOfOrderness(10*ms, atMilli))
	branch := func(s stream.DataStream[int], add int) stream.DataStream[int] {
		return stream.Map(s, func(n int) int { return n + add })
	}
	all := stream.Union(a, branch(a, 100), stream.Filter(a, func(n int) bool { return n > 20 }), b)
	require.Equal(t, []int{1 + 2 + 101 + 102 + 3 + 5, 11 + 12 + 111 + 112 + 13, 21 + 121 + 21}, rowsOf(t, j, sums(j, all)))
}

func rowsOf[T any](t *testing.T, j *stream.Job, l *sinkmemory.List[T]) []T {
	t.Helper()
	require.NoError(t, j.Run(t.Context()))
	return l.Rows()
}

// New timestamps in the source's chain are per split, and come back with a restart.
func TestAssignTimestamps(t *testing.T) {
	dir := t.TempDir()
	var got []int
	for _, n := range []int{2, 4, 6} {
		j := newJob(append(durable(dir), stream.NoDrain())...)
		in := stream.From(j, "numbers", memory.Of([]int{10, 250, 40, 30, 260, 270}[:n]...), watermark.None(func(int) time.Time { return time.UnixMilli(0) }))
		tens := stream.Map(in, func(n int) int { return n / 10 })
		stamped := stream.AssignTimestamps(tens, watermark.Monotonous(atMilli))
		windows := stream.Window(stream.KeyBy(stamped, func(int) int { return 0 }), window.Tumbling(10*ms))
		list, late := to(stream.Reduce(windows, "sums", sum)), to2(stream.Late(windows), "late")
		got = append(got, rowsOf(t, j, list)...)
		for _, l := range late.Rows() {
			got = append(got, -l)
		}
	}
	require.Equal(t, []int{1, -4, -3}, got, "what came before the restart makes 4 and 3 late after it")
}

func TestRebalance(t *testing.T) {
	j := newJob()
	subtasks := stream.NewTag[int]("subtasks")
	spread := stream.Rebalance(fromNumbers(j, 1000), 4)
	out := stream.Process(spread, "who", stream.PerTask(func() *who { return &who{tag: subtasks} }))
	list, side := to(out), to2(stream.SideOutput(out, subtasks), "side")
	got := rowsOf(t, j, list)
	slices.Sort(got)
	require.Equal(t, upTo(1000), got)
	count := map[int]int{}
	for _, s := range side.Rows() {
		count[s]++
	}
	require.Equal(t, map[int]int{0: 250, 1: 250, 2: 250, 3: 250}, count)
}

type who struct {
	tag     *stream.Tag[int]
	subtask int
}

func (w *who) Open(ctx *stream.OpenContext) error { w.subtask = ctx.Subtask(); return nil }
func (w *who) Process(ctx *stream.Context, n int, out *stream.Collector[int]) error {
	if split, offset := ctx.Position(); split != "memory/0" || offset != int64(n) || ctx.Timestamp() != atMilli(n) {
		return fmt.Errorf("%d is from %s offset %d at %s", n, split, offset, ctx.Timestamp())
	}
	out.Emit(n)
	return stream.EmitTo(ctx, w.tag, w.subtask)
}

// A source without splits is an error, and so is one that lost a split.
func TestLostSplits(t *testing.T) {
	j := newJob()
	to(stream.From(j, "numbers", memory.Splits[int](nil), watermark.Monotonous(atMilli)))
	require.ErrorContains(t, j.Run(t.Context()), "no splits")
	dir := t.TempDir()
	start := func(src source.Source[int]) error {
		j := newJob(append(durable(dir), stream.NoDrain())...)
		to(stream.From(j, "numbers", src, watermark.Monotonous(atMilli)))
		return j.Run(t.Context())
	}
	require.NoError(t, start(memory.Splits([][]int{{1}, {2}})))
	require.ErrorContains(t, start(memory.Splits([][]int{{1}})), "split memory/1 is in the state")
}

// Without watermarks everything waits for the end of input.
func TestNoWatermarks(t *testing.T) {
	j := newJob()
	in := stream.From(j, "numbers", memory.Of(5, 35, 1, 22), watermark.None(atMilli))
	require.Equal(t, []int{6, 22, 35}, rowsOf(t, j, sums(j, in)))
	require.Equal(t, int64(math.MaxInt64), j.Status().Watermark)
}

// An operator that was told to drop retractions counts every result, and says how many were superseded.
func TestDropRetractions(t *testing.T) {
	build := func(j *stream.Job) stream.DataStream[int] {
		in := stream.From(j, "numbers", memory.Of(1, 25, 2, 3), watermark.Monotonous(atMilli))
		windows := stream.Window(stream.KeyByPartition(in, func(int) int { return 0 }, anyPartition), window.Tumbling(10*ms), stream.AllowedLateness(time.Second))
		return stream.Reduce(windows, "first", sum)
	}
	j := newJob()
	list := to(stream.Process(build(j), "all", pass{}, stream.DropRetractions()))
	require.Equal(t, []int{1, 3, 6, 25}, rowsOf(t, j, list))
	j = newJob()
	second := stream.Window(stream.KeyBy(build(j), func(int) int { return 0 }), window.Tumbling(10*ms), stream.AllowedLateness(time.Second))
	table := sinkmemory.NewTable(func(s string) string { return s })
	stream.To(stream.Aggregate(second, "second", oneWay{}, stream.DropRetractions()), "table", table)
	require.NoError(t, j.Run(t.Context()))
	require.Contains(t, table.Rows(), "0[0,10)=10", "1 + 3 + 6")
	require.EqualValues(t, 2, j.Count("retractions_dropped"))
	j = newJob()
	rows := sinkmemory.NewTable(identity)
	stream.To(build(j), "table", rows, stream.DropRetractions())
	require.NoError(t, j.Run(t.Context()))
	require.Equal(t, []int{1, 3, 6, 25}, rows.Rows())
}
