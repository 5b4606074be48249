package stream_test

import (
	"errors"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/internal/keyed"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/state"
	memorystate "github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/state/savepoint"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// tally adds up a key's numbers in a state whose codec a test chooses.
type tally struct {
	codec  state.Codec[int]
	cells  []string // further states
	closed *int
	n      stream.ValueState[int]
}

func (f *tally) Open(ctx *stream.OpenContext) error {
	ctx.Counter("opened").Add(1)
	ctx.Logger().Debug("open", "subtask", ctx.Subtask())
	f.n = stream.NewValue(ctx, "n", f.codec)
	for _, name := range f.cells {
		stream.NewValue(ctx, name, codec.Int())
	}
	return nil
}

func (f *tally) Process(_ *stream.Context, in stream.Keyed[int, int], out *stream.Collector[int]) error {
	n, _ := f.n.Get()
	f.n.Set(n + in.Value)
	out.Emit(n + in.Value)
	return nil
}

func (f *tally) Close() error {
	if f.closed != nil {
		*f.closed++
	}
	return nil
}

// tallyJob keys numbers by their parity.
func tallyJob(uid string, f tally, log []int, opts ...stream.JobOption) (*stream.Job, *sinkmemory.List[int]) {
	j := newJob(append(opts, stream.NoDrain())...)
	in := stream.From(j, "numbers", memory.Of(log...), watermark.Monotonous(atMilli))
	return j, to(stream.Process(stream.KeyBy(in, func(n int) int { return n % 2 }), uid, stream.PerTask(func() *tally { f := f; return &f })))
}

// saved runs a job and makes a savepoint of its state, with the directory of the state.
func saved(t *testing.T, build func(opts ...stream.JobOption) *stream.Job) (*savepoint.Savepoint, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	require.NoError(t, build(durable(dir)...).Run(t.Context()))
	return makeSavepoint(t, memorystate.Backend(), dir, filepath.Join(t.TempDir(), "savepoint")), dir
}

// keysOf counts the stored keys of every operator, by number.
func keysOf(t *testing.T, dir string) map[uint16]int {
	t.Helper()
	store, err := memorystate.Backend().Open(dir, 0)
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	n := map[uint16]int{}
	require.NoError(t, store.Scan(nil, nil, func(k, _ []byte) bool {
		if p, ok := keyed.ParsePlace(k); ok {
			n[p.Operator]++
		}
		return true
	}))
	return n
}

func TestPlanState(t *testing.T) {
	closed := 0
	v1 := tally{codec: codec.Int(), cells: []string{"spare"}, closed: &closed}
	sp, _ := saved(t, func(opts ...stream.JobOption) *stream.Job {
		j, _ := tallyJob("tally", v1, upTo(10), opts...)
		return j
	})
	text := codec.Func("text", func(dst []byte, n int) ([]byte, error) { return strconv.AppendInt(dst, int64(n), 10), nil },
		func(src []byte) (int, error) { return strconv.Atoi(string(src)) })
	migrating := codec.Migrating[int](text, codec.From(codec.Int(), unchanged[int]))
	spare := []string{"spare"}

	type want struct {
		fate, n state.Fate
		err     string // "" for none
	}
	for name, c := range map[string]struct {
		uid  string
		f    tally
		opts []stream.JobOption
		want want
	}{
		"kept":                    {"tally", tally{codec: codec.Int(), cells: spare}, nil, want{state.Kept, state.Kept, ""}},
		"a state more":            {"tally", tally{codec: codec.Int(), cells: []string{"more", "spare"}}, nil, want{state.Kept, state.Kept, ""}},
		"a state less":            {"tally", tally{codec: codec.Int()}, nil, want{state.Kept, state.Kept, `state "spare" (int64) is not declared any more`}},
		"a state dropped":         {"tally", tally{codec: codec.Int()}, []stream.JobOption{stream.DropState("tally", "spare")}, want{state.Kept, state.Kept, ""}},
		"another state dropped":   {"tally", tally{codec: codec.Int()}, []stream.JobOption{stream.DropState("tally", "n")}, want{state.Kept, state.Kept, `stream.DropState("tally", "spare")`}},
		"a codec that migrates":   {"tally", tally{codec: migrating, cells: spare}, nil, want{state.Migrated, state.Migrated, ""}},
		"a codec that does not":   {"tally", tally{codec: text, cells: spare}, nil, want{state.Changed, state.Changed, "codec.Migrating"}},
		"its values dropped":      {"tally", tally{codec: text, cells: spare}, []stream.JobOption{stream.DropState("tally", "n")}, want{state.Kept, state.Dropped, ""}},
		"renamed":                 {"total", tally{codec: codec.Int()}, nil, want{state.New, "", `the state has an operator "tally" (process; key int64) that the job lacks`}},
		"renamed, dropped":        {"total", tally{codec: codec.Int()}, []stream.JobOption{stream.DropState("tally")}, want{state.New, "", `stream.NewState("total")`}},
		"renamed, dropped, begun": {"total", tally{codec: codec.Int()}, []stream.JobOption{stream.DropState("tally"), stream.NewState("total")}, want{state.New, "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			require.NoError(t, sp.Restore(memorystate.Backend(), dir))
			j, list := tallyJob(c.uid, c.f, upTo(12), append(durable(dir), c.opts...)...)
			before := closed
			plan, err := j.PlanState(sp)
			require.NoError(t, err)
			require.Equal(t, c.want.fate, plan.Operator(c.uid).Fate, "%s", plan)
			if c.want.n != "" {
				require.Equal(t, c.want.n, plan.Operator(c.uid).Cell("n").Fate, "%s", plan)
			}
			require.Equal(t, before, closed)
			_, checked := j.CheckState(sp)
			untouched := keysOf(t, dir)
			err = j.Run(t.Context())
			if c.want.err != "" {
				for _, e := range []error{plan.Err(), checked, err} {
					require.ErrorIs(t, e, stream.ErrShape)
					require.ErrorContains(t, e, c.want.err)
				}
				require.Contains(t, plan.String(), "REFUSED: ")
				require.Equal(t, untouched, keysOf(t, dir), "a refused run dropped state")
				return
			}
			require.NoError(t, plan.Err(), "%s", plan)
			require.NoError(t, checked)
			require.NoError(t, err)
			// 10 and 11 come after 0+2+4+6+8 and 1+3+5+7+9, where these are still there.
			if c.uid == "tally" && c.want.n != state.Dropped {
				require.ElementsMatch(t, []int{30, 36}, list.Rows())
			} else {
				require.ElementsMatch(t, []int{10, 11}, list.Rows())
			}
			if c.uid == "total" {
				require.Len(t, keysOf(t, dir), 1, "the keys of what was dropped are still there")
			}
			// Started again it finds all in place, and the options change nothing.
			j, _ = tallyJob(c.uid, c.f, upTo(12), append(durable(dir), c.opts...)...)
			require.NoError(t, j.Run(t.Context()))
			again := makeSavepoint(t, memorystate.Backend(), dir, filepath.Join(t.TempDir(), "again"))
			plan, err = j.PlanState(again)
			require.NoError(t, err)
			require.NoError(t, plan.Err(), "%s", plan)
			require.Contains(t, []state.Fate{state.Kept, state.Migrated}, plan.Operator(c.uid).Fate, "%s", plan)
		})
	}
}

// A state that was dropped does not come back when its name does.
func TestDroppedStateStaysDropped(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	run := func(numbers int, f tally, opts ...stream.JobOption) []int {
		j, list := tallyJob("tally", f, upTo(numbers), append(durable(dir), opts...)...)
		require.NoError(t, j.Run(t.Context()))
		return list.Rows()
	}
	number := tally{codec: codec.Int()}
	flippedNumber := tally{codec: flipped[int]("flipped")}
	run(10, number)
	require.ElementsMatch(t, []int{10}, run(11, flippedNumber, stream.DropState("tally", "n")), "only the even key is written anew")
	require.ElementsMatch(t, []int{11, 12}, run(13, number, stream.DropState("tally", "n")))
}

// Operators beside: sources and sinks may come and go, and a failed plan says all at once.
func TestPlanOfSourcesAndSinks(t *testing.T) {
	build := func(sources, sinks []string, opts ...stream.JobOption) (*stream.Job, []*sinkmemory.List[int]) {
		j := newJob(append(opts, stream.NoDrain())...)
		var all stream.DataStream[int]
		for i, name := range sources {
			in := stream.From(j, name, memory.Of(upTo(5)...), watermark.Monotonous(atMilli))
			if all = in; i > 0 {
				all = stream.Union(all, in)
			}
		}
		sums := stream.Reduce(stream.Window(stream.All(all), window.Tumbling(10*ms)), "sums", sum)
		var lists []*sinkmemory.List[int]
		for _, name := range sinks {
			l := &sinkmemory.List[int]{}
			stream.To(sums, name, l)
			lists = append(lists, l)
		}
		return j, lists
	}
	sp, dir := saved(t, func(opts ...stream.JobOption) *stream.Job {
		j, _ := build([]string{"a"}, []string{"out"}, opts...)
		return j
	})
	j, _ := build([]string{"b"}, []string{"other"}, durable(dir)...)
	plan, err := j.PlanState(sp)
	require.NoError(t, err)
	for _, want := range []string{`operator "a" (source; monotonous)`, `operator "out" (sink)`} {
		require.ErrorContains(t, plan.Err(), want)
	}
	require.Contains(t, plan.String(), `Source "b" is read from its start.`)

	opts := append(durable(dir), stream.DropState("a"), stream.DropState("out"))
	j, lists := build([]string{"b"}, []string{"other"}, opts...)
	require.NoError(t, j.Run(t.Context()))
	require.Empty(t, lists[0].Rows())
	j, lists = build([]string{"b"}, []string{"other"}, opts...)
	require.NoError(t, j.Run(t.Context()))
	require.EqualValues(t, 5, j.Status().Splits[0].Position)
	require.Empty(t, lists[0].Rows())
	store, err := memorystate.Backend().Open(dir, 0)
	require.NoError(t, err)
	m, err := savepoint.Describe(store)
	require.NoError(t, err)
	require.NoError(t, store.Close())
	require.Len(t, m.Splits, 1)
	require.Equal(t, "b", m.Splits[0].Operator)
	require.EqualValues(t, 1, m.Operator("sums").Keys, "the window is still open")
}

var errOpen = errors.New("no connection")

type unopened struct{ cells }

func (u *unopened) Open(*stream.OpenContext) error { return errOpen }

func TestPlanSaysWhatItCannotTell(t *testing.T) {
	sp, _ := saved(t, func(opts ...stream.JobOption) *stream.Job {
		j, _ := tallyJob("tally", tally{codec: codec.Int()}, upTo(3), opts...)
		return j
	})
	j := newJob()
	to(stream.Process(stream.KeyBy(fromNumbers(j, 3), identity), "tally", stream.PerTask(func() *unopened { return &unopened{} })))
	_, err := j.PlanState(sp)
	require.ErrorIs(t, err, errOpen)
	j, _ = tallyJob("tally", tally{codec: codec.Int()}, nil, stream.NewState("tall"), stream.FromSavepoint("x"))
	_, err = j.PlanState(sp)
	require.ErrorContains(t, err, `NewState("tall")`)
	require.ErrorContains(t, err, "no StateDir")
	empty, err := memorystate.Backend().Open("", 0)
	require.NoError(t, err)
	j, _ = tallyJob("tally", tally{codec: codec.Int()}, nil)
	_, err = j.PlanState(empty)
	require.ErrorContains(t, err, "no job has kept its state here")
}

// A value that a migration cannot take is found before the job runs.
func TestCheckStateReadsValues(t *testing.T) {
	sp, _ := saved(t, func(opts ...stream.JobOption) *stream.Job {
		j, _ := tallyJob("tally", tally{codec: codec.Int()}, upTo(10), opts...)
		return j
	})
	odd := codec.Migrating[int](flipped[int]("odd"), codec.From(codec.Int(), func(n int) (int, error) {
		if n%2 == 0 {
			return 0, errors.New("even")
		}
		return n, nil
	}))
	j, _ := tallyJob("tally", tally{codec: odd}, upTo(10))
	plan, err := j.PlanState(sp)
	require.NoError(t, err)
	require.NoError(t, plan.Err())
	_, err = j.CheckState(sp)
	require.ErrorContains(t, err, "even")
	require.ErrorContains(t, err, `operator "tally": state "n" of key`)
}
