package stream_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/internal/loggen"
	"github.com/millrace/millrace/internal/oracle"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/memory"
	memorystate "github.com/millrace/millrace/state/memory"
	pebblestate "github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// emission is what a job emits for a pane or a late record, as text that two runs can be compared by.
type emission struct {
	Key   string
	Text  string // the pane
	Slot  string // key and window
	Event event  // of a late record
	Late  bool   // a record that no window took
}

func paneText(key string, start, end int64, late bool, events []event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s [%d,%d) late=%v", key, start, end, late)
	for _, e := range events {
		fmt.Fprintf(&b, " %d/%d", e.Partition, e.Offset)
	}
	return b.String()
}

type emitPanes struct{}

// Process sorts the elements by place in the log, as the oracle does.
func (emitPanes) Process(_ *stream.Context, p stream.Pane[string, event], out *stream.Collector[emission]) error {
	elements := slices.Clone(p.Elements)
	slices.SortFunc(elements, func(a, b event) int { return (a.Partition-b.Partition)*1_000_000 + int(a.Offset-b.Offset) })
	out.Emit(emission{Key: p.Key, Slot: fmt.Sprintf("%s[%d,%d)", p.Key, p.Window.Start, p.Window.End), Text: paneText(p.Key, p.Window.Start, p.Window.End, p.Late, elements)})
	return nil
}

// emissions is a sink that keeps all it is told, per subtask.
type emissions struct {
	mu   sync.Mutex
	rows map[int][]sink.Row[emission]
}

func (s *emissions) Traits() sink.Traits { return sink.Traits{Upserts: true, BatchRows: 17} }
func (s *emissions) String() string      { return "emissions" }
func (s *emissions) Open(_ context.Context, env sink.Env) (sink.Writer[emission], error) {
	return emissionsWriter{s, env.Subtask}, nil
}

type emissionsWriter struct {
	of      *emissions
	subtask int
}

func (w emissionsWriter) Close() error { return nil }
func (w emissionsWriter) Write(_ context.Context, rows []sink.Row[emission]) error {
	w.of.mu.Lock()
	defer w.of.mu.Unlock()
	w.of.rows[w.subtask] = append(w.of.rows[w.subtask], rows...)
	return nil
}

// params is a windowed job and how it is run.
type params struct {
	oracle.Params
	how         string // local, one-split, ordinary
	parallelism int
	batch       int
	chunk       int
	seed        uint64
	options     []stream.JobOption
}

func (p params) assigner() window.Assigner {
	if p.Gap > 0 {
		return window.EventTimeSession(time.Duration(p.Gap) * ms)
	}
	if p.Slide > 0 {
		return window.Sliding(time.Duration(p.Size)*ms, time.Duration(p.Slide)*ms)
	}
	return window.Tumbling(time.Duration(p.Size) * ms).WithOffset(time.Duration(p.Offset) * ms)
}

// job emits panes, and late records behind them in the same stream, to a sink in the same task.
func (p params) job(src source.Source[event], to *emissions) *stream.Job {
	j := stream.NewJob("promises", append([]stream.JobOption{stream.Logger(quiet()), stream.StatusEvery(0), stream.BatchSize(p.batch), stream.DefaultParallelism(max(1, p.parallelism)),
		stream.BufferTimeout(time.Duration(p.seed%3) * ms), stream.CheckpointEvery(2 * ms)}, p.options...)...)
	in := stream.From(j, "clicks", src, watermark.BoundedOutOfOrderness(time.Duration(p.Bound)*ms, eventTime))
	var keyed stream.KeyedStream[string, event]
	switch p.how {
	case "local":
		keyed = stream.KeyByPartition(in, userOf)
	case "one-split":
		keyed = stream.KeyBy(in, userOf, stream.OneSplitPerKey())
	default:
		keyed = stream.KeyBy(in, userOf)
	}
	opts := []stream.WindowOption{stream.AllowedLateness(time.Duration(p.Lateness) * ms)}
	if p.Strict {
		opts = append(opts, stream.StrictLateness())
	}
	windows := stream.Window(keyed, p.assigner(), opts...)
	results := stream.Process(windows, "panes", emitPanes{})
	late := stream.Map(stream.Late(windows), func(e event) emission { return emission{Key: e.User, Event: e, Late: true, Text: lateText(e)} })
	stream.To(stream.Union(results, late), "emissions", to)
	return j
}

func lateText(e event) string { return fmt.Sprintf("%s late %d/%d", e.User, e.Partition, e.Offset) }

// wanted is what a partition emits according to the oracle.
func wanted(t *testing.T, log oracle.Log, partition int, p oracle.Params) (all []string, byKey map[string][]string) {
	panes, err := oracle.Panes(log, partition, p)
	require.NoError(t, err)
	byKey = map[string][]string{}
	shown := map[string]string{} // by key and window: its last pane
	add := func(key, text string) {
		all = append(all, text)
		byKey[key] = append(byKey[key], text)
	}
	for _, e := range panes {
		var place []event
		for _, r := range e.Events {
			place = append(place, event{User: e.Key, Partition: r.Partition, Offset: r.Offset})
		}
		if e.Cause == oracle.LateData {
			add(e.Key, lateText(place[0]))
			continue
		}
		slot := func(w oracle.Window) string { return fmt.Sprintf("%s[%d,%d)", e.Key, w.Start, w.End) }
		late := e.Cause == oracle.LateFire
		replaced := slices.Clone(e.Replaces)
		if _, fired := shown[slot(e.Window)]; fired && !slices.Contains(replaced, e.Window) {
			replaced = append(replaced, e.Window)
		}
		for _, w := range replaced {
			add(e.Key, "- "+strings.Replace(strings.Replace(shown[slot(w)], "late=false", fmt.Sprintf("late=%v", late), 1), "late=true", fmt.Sprintf("late=%v", late), 1))
			delete(shown, slot(w))
		}
		text := paneText(e.Key, e.Start, e.End, late, place)
		add(e.Key, text)
		shown[slot(e.Window)] = text
	}
	return all, byKey
}

func texts(rows []sink.Row[emission]) (all []string) {
	for _, r := range rows {
		text := r.Value.Text
		if r.Op == sink.Delete {
			text = "- " + text
		}
		all = append(all, text)
	}
	return all
}

func memoryLog(log oracle.Log, chunk int) *memory.Source[event] {
	return memory.Splits(events(log)).WithCodec(codec.JSON[event](1)).WithChunkSize(chunk)
}

var windowParams = []oracle.Params{
	{Gap: 30 * minute, Bound: minute},
	{Gap: 30 * minute, Bound: minute, Lateness: 10 * minute},
	{Gap: 30 * minute, Bound: minute, Lateness: 2 * 60 * minute},
	{Size: 60 * minute, Bound: minute},
	{Size: 60 * minute, Offset: -7 * minute, Bound: minute, Lateness: 10 * minute},
	{Size: 60 * minute, Slide: 20 * minute, Bound: minute, Lateness: 10 * minute},
	{Gap: 5 * minute, Bound: minute, Lateness: 10 * minute, Strict: true},
}

// Promise 1: what a partition emits, panes, retractions, late records and their order, is what the oracle says, for any size of batches and chunks, stops
// and restarts.
func TestPartitionEmitsExactly(t *testing.T) {
	log := hardLog(21, 3000, 3)
	for _, w := range windowParams {
		for i, chunk := range []int{1000, 1, 37} {
			t.Run(fmt.Sprintf("%+v/chunk%d", w, chunk), func(t *testing.T) {
				t.Parallel()
				p := params{Params: w, how: "local", batch: 64, chunk: chunk, seed: uint64(i)}
				to := &emissions{rows: map[int][]sink.Row[emission]{}}
				require.NoError(t, p.job(memoryLog(log, chunk), to).Run(t.Context()))
				for partition := range log {
					want, _ := wanted(t, log, partition, w)
					same(t, want, texts(to.rows[partition]))
				}
			})
		}
		t.Run(fmt.Sprintf("%+v/restarts", w), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			backend := pebblestate.Backend()
			got := map[int][]string{}
			for attempt := 0; ; attempt++ {
				require.Less(t, attempt, 100)
				ctx, cancel := context.WithCancel(t.Context())
				p := params{Params: w, how: "local", batch: 64, seed: 1, options: []stream.JobOption{stream.StateDir(dir), stream.Backend(backend), stream.MemoryBudget(1 << 20)}}
				to := &emissions{rows: map[int][]sink.Row[emission]{}}
				j := p.job(&interrupted{Source: memoryLog(log, 50), after: 700, stop: func() error { cancel(); return nil }}, to)
				require.NoError(t, j.Run(ctx))
				cancel()
				for partition := range log {
					got[partition] = append(got[partition], texts(to.rows[partition])...)
				}
				if finished(j) {
					break
				}
			}
			for partition := range log {
				want, _ := wanted(t, log, partition, w)
				same(t, want, got[partition])
			}
		})
	}
}

// Promise 2: behind an exchange of keys that have one split each, everything emitted for a key, in order, is what the oracle says.
func TestKeyEmitsExactly(t *testing.T) {
	for seed := range uint64(3) {
		log := hardLog(31+seed, 2000, 4)
		for _, w := range windowParams {
			t.Run(fmt.Sprintf("%+v/seed%d", w, seed), func(t *testing.T) {
				t.Parallel()
				for _, p := range interleavings(w, "one-split", seed) {
					to := p.run(t, log)
					want := map[string][]string{}
					for partition := range log {
						_, byKey := wanted(t, log, partition, w)
						for k, v := range byKey {
							want[k] = v
						}
					}
					got := map[string][]string{}
					for _, rows := range to.rows {
						for _, r := range rows {
							got[r.Value.Key] = append(got[r.Value.Key], texts([]sink.Row[emission]{r})...)
						}
					}
					require.Len(t, got, len(want))
					for k := range want {
						same(t, want[k], got[k])
					}
				}
			})
		}
	}
}

// interleavings are ways to run a job that differ in how its splits come to interleave.
func interleavings(w oracle.Params, how string, seed uint64) []params {
	rng := rand.New(rand.NewPCG(seed, 5))
	var all []params
	for range 3 {
		all = append(all, params{
			Params: w, how: how, seed: rng.Uint64(), parallelism: 1 + rng.IntN(8), batch: []int{1, 3, 64, 512}[rng.IntN(4)], chunk: 1 + rng.IntN(200),
			options: []stream.JobOption{stream.Backend(memorystate.Backend())},
		})
	}
	return all
}

// run runs the job over splits that come at random paces.
func (p params) run(t *testing.T, log oracle.Log) *emissions {
	to := &emissions{rows: map[int][]sink.Row[emission]{}}
	require.NoError(t, p.job(&paced{memoryLog(log, p.chunk), p.seed}, to).Run(t.Context()))
	return to
}

// paced is a source whose splits now and then wait.
type paced struct {
	*memory.Source[event]
	seed uint64
}

func (s *paced) Open(ctx context.Context, env source.Env) (source.Session[event], error) {
	inner, err := s.Source.Open(ctx, env)
	return pacedSession{inner, s.seed}, err
}

type pacedSession struct {
	source.Session[event]
	seed uint64
}

func (s pacedSession) Reader(ctx context.Context, split source.Split, at int64) (source.Reader[event], error) {
	inner, err := s.Session.Reader(ctx, split, at)
	return pacedReader{inner, rand.New(rand.NewPCG(s.seed, uint64(split.Partition)))}, err
}

type pacedReader struct {
	source.Reader[event]
	rng *rand.Rand
}

func (r pacedReader) Fetch(ctx context.Context) (source.Chunk[event], error) {
	if r.rng.IntN(10) == 0 {
		time.Sleep(time.Duration(r.rng.IntN(2000)) * time.Microsecond)
	}
	return r.Reader.Fetch(ctx)
}

// Promise 3: behind an ordinary exchange the last pane of every window and the set of late records are what the oracle says: for sessions with strict
// lateness, for the others always.
func TestLastPanesAfterAnyExchange(t *testing.T) {
	for seed := range uint64(3) {
		log := loggen.Split((loggen.Config{Seed: 41 + seed, Events: 2000}).All(), 4, loggen.InTurn)
		for _, w := range windowParams {
			if w.Gap > 0 {
				w.Strict = true
			}
			t.Run(fmt.Sprintf("%+v/seed%d", w, seed), func(t *testing.T) {
				t.Parallel()
				table, err := oracle.Final(log, w)
				require.NoError(t, err)
				var want, wantLate []string
				for _, r := range table.Results {
					var place []event
					for _, e := range r.Events {
						place = append(place, event{User: r.Key, Partition: e.Partition, Offset: e.Offset})
					}
					want = append(want, paneText(r.Key, r.Start, r.End, false, place))
				}
				for _, r := range table.Late {
					wantLate = append(wantLate, lateText(event{User: r.Key, Partition: r.Partition, Offset: r.Offset}))
				}
				slices.Sort(want)
				slices.Sort(wantLate)
				for _, p := range interleavings(w, "ordinary", seed) {
					last := map[string]string{}
					var late []string
					for _, rows := range p.run(t, log).rows {
						for _, r := range rows {
							switch {
							case r.Value.Late:
								late = append(late, r.Value.Text)
							case r.Op == sink.Delete:
								require.Contains(t, last, r.Value.Slot, "a deletion without a row")
								delete(last, r.Value.Slot)
							default:
								require.NotContains(t, last, r.Value.Slot, "a row that was not taken back is replaced")
								last[r.Value.Slot] = strings.Replace(r.Value.Text, "late=true", "late=false", 1)
							}
						}
					}
					var got []string
					for _, text := range last {
						got = append(got, text)
					}
					slices.Sort(got)
					slices.Sort(late)
					same(t, want, got)
					same(t, wantLate, late)
				}
			})
		}
	}
}

// visits is a function with state and timers: it numbers a key's records and tells of pauses.
type visits struct {
	count stream.ValueState[int]
	last  stream.ValueState[int64]
}

func (v *visits) Open(ctx *stream.OpenContext) error {
	v.count = stream.NewValue(ctx, "count", codec.Int())
	v.last = stream.NewValue(ctx, "last", codec.Int64())
	return nil
}

func (v *visits) Process(ctx *stream.Context, in stream.Keyed[string, event], out *stream.Collector[emission]) error {
	n, _ := v.count.Get()
	v.count.Set(n + 1)
	last, _ := v.last.Get()
	v.last.Set(max(last, in.Value.At))
	ctx.DeleteEventTimer(time.UnixMilli(last + 10*minute))
	ctx.SetEventTimer(time.UnixMilli(max(last, in.Value.At) + 10*minute))
	if n%3 == 0 {
		ctx.SetEventTimer(time.UnixMilli(in.Value.At + minute/2)) // may be due already
	}
	out.Emit(emission{Key: in.Key, Text: fmt.Sprint(n, " at ", in.Value.At, " sees ", ctx.Watermark())})
	return nil
}

func (v *visits) OnTimer(ctx *stream.Context, in stream.Keyed[string, event], at time.Time, out *stream.Collector[emission]) error {
	n, _ := v.count.Get()
	out.Emit(emission{Key: in.Key, Text: fmt.Sprint("timer ", at.UnixMilli(), " after ", n, " sees ", ctx.Watermark())})
	if n > 20 {
		v.count.Clear()
	}
	return nil
}

// Promises 1 and 2 hold for functions with state and timers: whatever the interleaving, a key's outputs are those it has partition-local.
func TestFunctionsEmitTheSame(t *testing.T) {
	log := hardLog(61, 3000, 4)
	run := func(p params) map[string][]string {
		to := &emissions{rows: map[int][]sink.Row[emission]{}}
		j := stream.NewJob("visits", append([]stream.JobOption{stream.Logger(quiet()), stream.BatchSize(p.batch), stream.DefaultParallelism(max(1, p.parallelism)), stream.CheckpointEvery(2 * ms)}, p.options...)...)
		in := stream.From[event](j, "clicks", &paced{memoryLog(log, p.chunk), p.seed}, watermark.BoundedOutOfOrderness(time.Minute, eventTime))
		keyed := stream.KeyByPartition(in, userOf)
		if p.how != "local" {
			keyed = stream.KeyBy(in, userOf, stream.OneSplitPerKey())
		}
		stream.To(stream.Process(keyed, "visits", stream.PerTask(func() *visits { return &visits{} })), "emissions", to)
		require.NoError(t, j.Run(t.Context()))
		got := map[string][]string{}
		for _, rows := range to.rows {
			for _, r := range rows {
				got[r.Value.Key] = append(got[r.Value.Key], fmt.Sprint(r.Value.Text, " @", r.Timestamp))
			}
		}
		return got
	}
	want := run(params{how: "local", batch: 512, chunk: 500})
	var all []params
	all = append(all, params{how: "local", batch: 3, chunk: 7, seed: 3, options: []stream.JobOption{stream.Backend(pebblestate.Backend()), stream.StateDir(t.TempDir()), stream.MemoryBudget(1 << 20)}})
	all = append(all, interleavings(oracle.Params{}, "one-split", 1)...)
	all = append(all, interleavings(oracle.Params{}, "one-split", 2)...)
	for _, p := range all {
		got := run(p)
		require.Len(t, got, len(want))
		for k := range want {
			same(t, want[k], got[k])
		}
	}
}
