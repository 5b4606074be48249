package stream_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/internal/oracle"
	"github.com/millrace/millrace/sink"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source"
	sourcememory "github.com/millrace/millrace/source/memory"
	memorystate "github.com/millrace/millrace/state/memory"
	pebblestate "github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/streamtest"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// origin is a result with its provenance.
type origin struct {
	ID   string // "" in what the oracle says
	Slot string // key and window
	From string
}

// rangesText is where events stand, by partition: first, last and how many.
func rangesText(places []event) string {
	first, last, n := map[int]int64{}, map[int]int64{}, map[int]int64{}
	var partitions []int
	for _, e := range places {
		if n[e.Partition] == 0 {
			first[e.Partition], last[e.Partition] = e.Offset, e.Offset
			partitions = append(partitions, e.Partition)
		}
		first[e.Partition], last[e.Partition] = min(first[e.Partition], e.Offset), max(last[e.Partition], e.Offset)
		n[e.Partition]++
	}
	slices.Sort(partitions)
	var texts []string
	for _, p := range partitions {
		texts = append(texts, fmt.Sprintf("memory/%d:%d-%d (%d)", p, first[p], last[p], n[p]))
	}
	return strings.Join(texts, " ")
}

func fromText(from stream.Ranges) string {
	var texts []string
	for _, r := range from {
		texts = append(texts, fmt.Sprintf("%s:%d-%d (%d)", r.Split, r.First, r.Last, r.Count))
	}
	return strings.Join(texts, " ")
}

// origins demands of every pane, those that take something back included, that its ranges are where its elements stand.
type origins struct{}

func (origins) Process(ctx *stream.Context, p stream.Pane[string, event], out *stream.Collector[origin]) error {
	if got, want := fromText(p.From), rangesText(p.Elements); got != want {
		return fmt.Errorf("%s of %s is from %s, want %s", p.Window, p.Key, got, want)
	}
	out.Emit(origin{ctx.ResultID(), fmt.Sprintf("%s%s", p.Key, p.Window), fromText(p.From)})
	return nil
}

func (p params) originJob(src source.Source[event], to sink.Sink[origin], late sink.Sink[event]) *stream.Job {
	j := stream.NewJob("origins", append([]stream.JobOption{stream.Logger(quiet()), stream.StatusEvery(0), stream.BatchSize(p.batch), stream.DefaultParallelism(max(1, p.parallelism)),
		stream.CheckpointEvery(2 * time.Millisecond)}, p.options...)...)
	in := stream.From(j, "clicks", src, watermark.BoundedOutOfOrderness(time.Duration(p.Bound)*ms, eventTime))
	keyed := stream.KeyBy(in, userOf, stream.OneSplitPerKey())
	if p.how == "local" {
		keyed = stream.KeyByPartition(in, userOf)
	}
	opts := []stream.WindowOption{stream.AllowedLateness(time.Duration(p.Lateness) * ms), stream.Provenance()}
	if p.Strict {
		opts = append(opts, stream.StrictLateness())
	}
	windows := stream.Window(keyed, p.assigner(), opts...)
	stream.To(stream.Process(windows, "panes", origins{}), "origins", to)
	stream.To(stream.Late(windows), "late", late)
	return j
}

// TestProvenance runs random logs in many ways, and through crashes, into a table by result id: its ranges and the late records account for every record of the log
// as the oracle says, and each result has one id in all of them.
func TestProvenance(t *testing.T) {
	for i, w := range windowParams {
		log := hardLog(51+uint64(i), 1500, 3)
		t.Run(fmt.Sprintf("%+v", w), func(t *testing.T) {
			t.Parallel()
			final, err := oracle.Final(log, w)
			require.NoError(t, err)
			var want []origin
			covered := map[[2]int64]bool{}
			for _, r := range final.Results {
				var places []event
				for _, e := range r.Events {
					places = append(places, event{Partition: e.Partition, Offset: e.Offset})
					covered[[2]int64{int64(e.Partition), e.Offset}] = true
				}
				want = append(want, origin{"", fmt.Sprintf("%s%s", r.Key, window.TimeWindow{Start: r.Start, End: r.End}), rangesText(places)})
			}
			for _, l := range final.Late {
				covered[[2]int64{int64(l.Partition), l.Offset}] = true
			}
			require.Len(t, covered, log.Len(), "the oracle's windows and late records cover the log")
			ids := map[string]string{}
			for _, p := range []params{
				{how: "local", batch: 64, chunk: 100, options: []stream.JobOption{stream.Backend(memorystate.Backend())}},
				{how: "one-split", parallelism: 1, batch: 512, chunk: 37, options: []stream.JobOption{stream.Backend(memorystate.Backend())}},
				{how: "one-split", parallelism: 3, batch: 3, chunk: 200, options: []stream.JobOption{stream.StateDir(t.TempDir()), stream.Backend(pebblestate.Backend()), stream.MemoryBudget(1 << 20)}},
				{how: "one-split", parallelism: 8, batch: 64, chunk: 13, options: []stream.JobOption{stream.Backend(memorystate.Backend())}},
				{how: "local", seed: 300, batch: 64, chunk: 50, options: []stream.JobOption{stream.StateDir(t.TempDir()), stream.Backend(pebblestate.Backend()), stream.MemoryBudget(1 << 20)}},
				{how: "one-split", seed: 400, parallelism: 3, batch: 64, chunk: 50, options: []stream.JobOption{stream.StateDir(t.TempDir()), stream.Backend(memorystate.Backend())}},
			} {
				p.Params = w
				rows, late := p.origins(t, log)
				for i := range rows {
					r := &rows[i]
					require.Regexp(t, "^[0-9a-f]{32}$", r.ID)
					if ids[r.Slot] == "" {
						ids[r.Slot] = r.ID
					}
					require.Equal(t, ids[r.Slot], r.ID, "%s in %+v", r.Slot, p)
					r.ID = ""
				}
				slices.SortFunc(rows, func(a, b origin) int { return strings.Compare(a.Slot, b.Slot) })
				slices.SortFunc(want, func(a, b origin) int { return strings.Compare(a.Slot, b.Slot) })
				same(t, want, rows)
				same(t, final.LateRows(), late)
			}
		})
	}
}

// origins runs the job into a table by result id, through failures, the first after seed records, if seed is not 0.
func (p params) origins(t *testing.T, log oracle.Log) ([]origin, []oracle.LateRow) {
	table := sinkmemory.NewTable(func(o origin) string { return o.ID })
	late := map[oracle.LateRow]bool{}
	for attempt := 0; ; attempt++ {
		require.Less(t, attempt, 100, "the job makes no progress")
		var src source.Source[event] = memoryLog(log, p.chunk)
		if p.seed > 0 {
			src = &interrupted{Source: memoryLog(log, p.chunk), after: int64(p.seed) * int64(attempt+1), stop: func() error { return errBroken }}
		}
		list := &sinkmemory.List[event]{}
		err := p.originJob(src, table, list).Run(context.Background())
		for _, e := range list.Rows() {
			late[oracle.LateRow{UserID: e.User, Timestamp: e.At, Partition: e.Partition, Offset: e.Offset}] = true
		}
		if err == nil {
			break
		}
		require.ErrorIs(t, err, errBroken)
	}
	var lateRows []oracle.LateRow
	for l := range late {
		lateRows = append(lateRows, l)
	}
	sortLate(lateRows)
	return table.Rows(), lateRows
}

// spans is an aggregate with its provenance.
type spans struct{ countWords }

type countWords struct{}

func (countWords) New() int64                                     { return 0 }
func (countWords) Add(n int64, _ word) int64                      { return n + 1 }
func (countWords) Merge(a, b int64) int64                         { return a + b }
func (countWords) Result(string, window.TimeWindow, int64) string { return "" }
func (spans) ResultOf(ctx *stream.Context, w stream.Aggregated[string, int64]) string {
	return fmt.Sprintf("%s%s=%d from %s late=%v %s", w.Key, w.Window, w.Value, w.From, w.Late, ctx.Version())
}

func TestAggregateProvenance(t *testing.T) {
	steps := play(t, "a@1 a@2 b@2 W@4 a@3 W@20 END", func(in stream.DataStream[word]) stream.DataStream[string] {
		w := stream.Window(stream.KeyBy(in, keyOfWord, stream.OneSplitPerKey()), window.Tumbling(4*ms), stream.AllowedLateness(5*ms), stream.Provenance())
		return stream.Aggregate(w, "spans", spans{})
	})
	require.Equal(t, want(
		"W@4: a[0,4)=2 from test/0:0-1 late=false  | b[0,4)=1 from test/0:2 late=false ",
		"a@3: -a[0,4)=2 from test/0:0-1 late=true  | a[0,4)=3 from test/0:0-4 late=true "), steps)
}

// TestProvenanceOfSecondStage counts the records of a window that are results of windows: they stand nowhere.
func TestProvenanceOfSecondStage(t *testing.T) {
	steps := play(t, "a@1 b@2 W@3 b@9 END", func(in stream.DataStream[word]) stream.DataStream[string] {
		first := stream.Reduce(stream.Window(stream.KeyBy(in, keyOfWord), window.Tumbling(2*ms)), "first", func(a, _ word) word { return a })
		w := stream.Window(stream.KeyBy(first, func(word) string { return "all" }), window.Tumbling(20*ms), stream.Provenance())
		return stream.Aggregate(w, "second", spans{})
	})
	require.Equal(t, want("END: all[0,20)=3 from ? late=false "), steps)
}

func TestProvenanceIsRefusedWhereRecordsAreDropped(t *testing.T) {
	job := stream.NewJob("refused")
	in := stream.From(job, "words", sourcememory.Of[word]().WithCodec(codec.JSON[word](1)), watermark.BoundedOutOfOrderness(0, func(w word) time.Time { return time.UnixMilli(w.At) }))
	w := stream.Window(stream.KeyBy(in, keyOfWord), window.CountSliding(3, 1), stream.Provenance())
	stream.To(stream.Aggregate(w, "last", spans{}), "out", &sinkmemory.List[string]{})
	_, err := job.Plan()
	require.ErrorContains(t, err, `aggregate "last": windows that keep their last records`)
}

// TestProvenanceIsAddedLater turns the option on for a job that has state: the records from before are counted, and stand nowhere.
func TestProvenanceIsAddedLater(t *testing.T) {
	var got []string
	h := streamtest.New(t, func(in stream.DataStream[word]) stream.DataStream[string] {
		return stream.Aggregate(stream.Window(stream.KeyBy(in, keyOfWord), window.Tumbling(10*ms)), "spans", spans{})
	})
	h.Push(word{"a", "a", 1}, time.UnixMilli(1))
	h.Push(word{"a", "a", 2}, time.UnixMilli(2))
	before := h.Snapshot()
	h = streamtest.New(t, func(in stream.DataStream[word]) stream.DataStream[string] {
		return stream.Aggregate(stream.Window(stream.KeyBy(in, keyOfWord), window.Tumbling(10*ms), stream.Provenance()), "spans", spans{})
	})
	h.Restore(before)
	h.Push(word{"a", "a", 3}, time.UnixMilli(3))
	h.End()
	for _, r := range h.TakeRows() {
		got = append(got, r.Value)
	}
	require.Equal(t, []string{"a[0,10)=3 from test/0:2,? late=false "}, got)
}

func TestRangesCover(t *testing.T) {
	var all stream.Ranges
	for _, more := range []stream.Ranges{
		{{Source: "c", Split: "clicks/10", First: 5, Last: 9, Count: 3}, {Count: 1}},
		{{Source: "c", Split: "clicks/9", First: 7, Last: 7, Count: 1}},
		{{Source: "c", Split: "clicks/10", First: 2, Last: 6, Count: 2}, {Count: 2}},
		{{Source: "b", Split: "/tmp/a.jsonl", First: 1, Last: 2, Count: 2}},
	} {
		before := slices.Clone(more)
		all = all.Cover(more)
		require.Equal(t, before, more)
	}
	require.Equal(t, stream.Ranges{
		{Source: "b", Split: "/tmp/a.jsonl", First: 1, Last: 2, Count: 2},
		{Source: "c", Split: "clicks/9", First: 7, Last: 7, Count: 1}, {Source: "c", Split: "clicks/10", First: 2, Last: 9, Count: 5}, {Count: 3},
	}, all)
	require.Equal(t, "/tmp/a.jsonl:1-2,clicks/9:7,clicks/10:2-9,?", all.String())
}
