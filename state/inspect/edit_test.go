package inspect_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/inspect"
	memorystate "github.com/millrace/millrace/state/memory"
	pebblestate "github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/state/savepoint"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// totals counts a user's clicks, remembers the last page and tells of both by a timer an hour after the first.
type totals struct {
	count stream.ValueState[int]
	last  stream.ValueState[click]
}

func (f *totals) Open(ctx *stream.OpenContext) error {
	f.count = stream.NewValue(ctx, "count", codec.Int())
	f.last = stream.NewValue(ctx, "last", codec.JSON[click](1).Named("click"))
	return nil
}

func (f *totals) Process(ctx *stream.Context, in stream.Keyed[string, click], _ *stream.Collector[string]) error {
	n, ok := f.count.Get()
	f.count.Set(n + 1)
	f.last.Set(in.Value)
	if !ok {
		ctx.SetEventTimer(time.UnixMilli(in.Value.At + time.Hour.Milliseconds()))
	}
	return nil
}

func (f *totals) OnTimer(_ *stream.Context, in stream.Keyed[string, click], at time.Time, out *stream.Collector[string]) error {
	n, _ := f.count.Get()
	last, _ := f.last.Get()
	out.Emit(fmt.Sprintf("%s %d %s at %d", in.Key, n, last.Page, at.UnixMilli()))
	return nil
}

type pagesOf struct{}

func (pagesOf) Process(_ *stream.Context, p stream.Pane[string, click], out *stream.Collector[string]) error {
	var pages []string
	for _, c := range p.Elements {
		pages = append(pages, c.Page)
	}
	out.Emit(fmt.Sprintf("%s %s [%d, %d)", p.Key, pages, p.Window.Start, p.Window.End))
	return nil
}

// editable is a job with a function's state, with sessions and with sums by hour; it reads the clicks and keeps its windows open, or ends with all of them closed.
func editable(t *testing.T, dir string, b state.Backend, local, drain bool, clicks ...click) []string {
	t.Helper()
	options := []stream.JobOption{stream.StateDir(dir), stream.Backend(b), stream.CheckpointEvery(time.Hour), stream.Logger(slog.New(slog.NewTextHandler(io.Discard, nil)))}
	if !drain {
		options = append(options, stream.NoDrain())
	}
	job := stream.NewJob("shop", options...)
	src := memory.Of(clicks...).WithCodec(codec.JSON[click](1).Named("click"))
	in := stream.From(job, "clicks", src, watermark.BoundedOutOfOrderness(0, func(c click) time.Time { return time.UnixMilli(c.At) }))
	user := func(c click) string { return c.User }
	byUser := stream.KeyBy(in, user)
	if local {
		byUser = stream.KeyByPartition(in, user)
	}
	out := &sinkmemory.List[string]{}
	told := stream.Process(byUser, "totals", stream.PerTask(func() *totals { return &totals{} }))
	sessions := stream.Process(stream.Window(byUser, window.EventTimeSession(time.Minute)), "sessions", pagesOf{})
	hours := stream.Reduce(stream.Window(byUser, window.Tumbling(time.Hour)), "hours", func(_, b click) click { return b })
	stream.To(stream.Union(told, sessions, stream.Map(hours, func(c click) string { return "hour " + c.User + " " + c.Page })), "out", out)
	require.NoError(t, job.Run(t.Context()))
	rows := out.Rows()
	slices.Sort(rows)
	return rows
}

var clickEncoders = inspect.Encoders{"json:click/v1": inspect.FromJSON(codec.JSON[click](1).Named("click"))}

func beginEdit(t *testing.T, dir string) (*inspect.Edit, func()) {
	t.Helper()
	d, err := inspect.Open(dir)
	require.NoError(t, err)
	e, err := inspect.NewEdit(d, nil, clickEncoders)
	require.NoError(t, err)
	return e, func() { require.NoError(t, d.Close()) }
}

func at(ms int64) *int64 { return &ms }

// steps change something of every kind.
var steps = []inspect.Step{
	{Do: inspect.Set, Operator: "totals", Key: "ada", Cell: "count", Value: json.RawMessage("40")},
	{Do: inspect.SetTimer, Operator: "totals", Key: "ada", At: at(7000)},
	{Do: inspect.SetTimer, Operator: "totals", Key: "ada", At: at(7000)},
	{Do: inspect.DeleteTimer, Operator: "totals", Key: "ada", At: at(3_601_000)},
	{Do: inspect.Delete, Operator: "totals", Key: "bob"},
	{Do: inspect.Delete, Operator: "totals", Key: "cid", Cell: "last"},
	{Do: inspect.Set, Operator: "totals", Key: "eve", Cell: "count", Value: json.RawMessage("7"), Split: "memory/0"},
	{Do: inspect.SetTimer, Operator: "totals", Key: "eve", At: at(1), Split: "memory/0"},
	{Do: inspect.Set, Operator: "sessions", Key: "bob", Cell: "windows", Value: json.RawMessage(`[{"start":500,"end":61000,"records":1,"contents":[{"User":"bob","Page":"/edited","At":500}]}]`)},
	{Do: inspect.Set, Operator: "sessions", Key: "eve", Cell: "windows", Value: json.RawMessage(`[{"start":0,"end":9,"records":1,"contents":[{"User":"eve","Page":"/new","At":0}]}]`), Split: "memory/0"},
	{Do: inspect.Delete, Operator: "sessions", Key: "cid"},
	{Do: inspect.Set, Operator: "hours", Key: "bob", Cell: "windows", Value: json.RawMessage(`[{"start":0,"end":3600000,"records":2,"contents":{"User":"bob","Page":"/hour","At":1}}]`)},
}

var read = []click{{"ada", "/", 1000}, {"bob", "/", 2000}, {"ada", "/cart", 3000}, {"cid", "/", 4000}}

// edited is what the job says when it goes on with the edited state and two more clicks.
var edited = []string{
	"ada 41 /later at 7000", "ada [/ /cart] [1000, 63000)", "ada [/later] [100000, 160000)", "bob [/edited] [500, 61000)", "cid 1  at 3604000", "eve 7  at 1", "eve [/new] [0, 9)",
	"hour ada /later", "hour bob /hour", "hour cid /",
}

// The job goes on with the edited state as if it had made it, on either backend, however keyed, edited in place or as a savepoint.
func TestEdit(t *testing.T) {
	for _, local := range []bool{false, true} {
		for _, b := range []state.Backend{pebblestate.Backend(), memorystate.Backend()} {
			for _, asSavepoint := range []bool{false, true} {
				t.Run(fmt.Sprintf("local %v, %s, savepoint %v", local, b, asSavepoint), func(t *testing.T) {
					dir := filepath.Join(t.TempDir(), "state")
					editable(t, dir, b, local, false, read...)
					before := exported(t, dir)
					e, done := beginEdit(t, dir)
					require.NoError(t, e.Do(steps...))
					changes, err := e.Changes()
					require.NoError(t, err)
					require.Len(t, changes, 8)
					require.Equal(t, "2", string(changes[0].Before.State["count"]))
					require.Equal(t, "40", string(changes[0].After.State["count"]))
					require.JSONEq(t, `{"event":[7000]}`, string(changes[0].After.State["timers"]))
					require.Nil(t, changes[1].After)
					require.Nil(t, changes[3].Before)
					now := time.UnixMilli(1_700_000_000_000)
					if asSavepoint {
						saved, again := filepath.Join(t.TempDir(), "saved"), filepath.Join(t.TempDir(), "again")
						m, err := e.Save(saved, "a test", now)
						require.NoError(t, err)
						done()
						require.Equal(t, before, exported(t, dir), "what was opened is as it was")
						require.EqualValues(t, 9, m.Keys())
						_, err = os.Stat(filepath.Join(saved, "manifest.json"))
						require.NoError(t, err)
						e, done = beginEdit(t, saved)
						require.ErrorIs(t, e.Commit("", now), inspect.ErrInPlace)
						_, err = e.Save(saved, "", now)
						require.ErrorIs(t, err, savepoint.ErrExists)
						_, err = e.Save(again, "another", now)
						require.NoError(t, err)
						done()
						sp, err := savepoint.Open(again)
						require.NoError(t, err)
						require.NoError(t, sp.Verify())
						dir = filepath.Join(t.TempDir(), "restored")
						require.NoError(t, sp.Restore(b, dir))
					} else {
						require.NoError(t, e.Commit("a test", now))
						done()
					}
					d, err := inspect.Open(dir)
					require.NoError(t, err)
					s, err := inspect.New(d, nil)
					require.NoError(t, err)
					records, err := s.Edits()
					require.NoError(t, err)
					require.Equal(t, "a test", records[0].Note)
					require.Equal(t, now.UTC(), records[0].At)
					require.Equal(t, len(steps), records[0].Total)
					require.Equal(t, steps[0], records[0].Steps[0])
					require.Len(t, records[0].Changes, 8)
					m, err := s.Describe()
					require.NoError(t, err)
					require.EqualValues(t, 3, m.Operator("totals").EventTimers)
					require.NoError(t, d.Close())
					require.Equal(t, edited, withoutRead(t, dir, b, local))
				})
			}
		}
	}
}

// withoutRead runs the job to its end, over what was read before and one more click.
func withoutRead(t *testing.T, dir string, b state.Backend, local bool) []string {
	t.Helper()
	return editable(t, dir, b, local, true, append(slices.Clone(read), click{"ada", "/later", 100_000})...)
}

// exported is all that a directory holds.
func exported(t *testing.T, dir string) string {
	t.Helper()
	d, err := inspect.Open(dir)
	require.NoError(t, err)
	var all strings.Builder
	require.NoError(t, d.Scan(nil, nil, func(key, value []byte) bool {
		fmt.Fprintf(&all, "%q %q\n", key, value)
		return true
	}))
	require.NoError(t, d.Close())
	return all.String()
}

// What is given back as it was shown changes nothing, whatever the codec; so the form of every value can be read and written.
func TestWhatIsShownCanBeSet(t *testing.T) {
	for name, dir := range map[string]string{"function": run(t, pebblestate.Backend(), clicks...), "golden": "../savepoint/testdata/format1"} {
		t.Run(name, func(t *testing.T) {
			d, err := inspect.Open(dir)
			require.NoError(t, err)
			defer func() { require.NoError(t, d.Close()) }()
			e, err := inspect.NewEdit(d, nil, nil)
			require.NoError(t, err)
			s, err := inspect.New(d, nil)
			require.NoError(t, err)
			n := 0
			for _, uid := range s.Operators() {
				for entry, err := range s.Entries(uid) {
					require.NoError(t, err)
					for cell, value := range entry.State {
						if cell == "timers" {
							continue
						}
						step := inspect.Step{Do: inspect.Set, Operator: uid, Key: entry.Key, Cell: cell, Value: value}
						if entry.Split != nil {
							for _, sp := range mustDescribe(t, s).Splits {
								if sp.Number == *entry.Split {
									step.Split = sp.ID
								}
							}
						}
						require.NoError(t, e.Do(step))
						n++
					}
				}
			}
			require.Greater(t, n, 5)
			changes, err := e.Changes()
			require.NoError(t, err)
			for _, c := range changes {
				require.Equal(t, c.Before.State, c.After.State)
			}
		})
	}
}

func mustDescribe(t *testing.T, s *inspect.State) *savepoint.Manifest {
	t.Helper()
	m, err := s.Describe()
	require.NoError(t, err)
	return m
}

func TestStepsThatCannotBeMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	editable(t, dir, pebblestate.Backend(), true, false, read...)
	before := exported(t, dir)
	e, done := beginEdit(t, dir)
	for want, s := range map[string]inspect.Step{
		`it has ["clicks" "totals"`:                     {Do: inspect.Delete, Operator: "visits", Key: "ada"},
		"keeps no state by key":                         {Do: inspect.Delete, Operator: "clicks", Key: "ada"},
		"nothing is kept of the key":                    {Do: inspect.Delete, Operator: "totals", Key: "zoe"},
		`has no state "counts"; it has ["timers"`:       {Do: inspect.Set, Operator: "totals", Key: "ada", Cell: "counts", Value: json.RawMessage("1")},
		"takes values of int64: json: cannot unmarshal": {Do: inspect.Set, Operator: "totals", Key: "ada", Cell: "count", Value: json.RawMessage(`"many"`)},
		`unknown field "Usr"`:                           {Do: inspect.Set, Operator: "totals", Key: "ada", Cell: "last", Value: json.RawMessage(`{"Usr":"ada"}`)},
		"something follows":                             {Do: inspect.Set, Operator: "totals", Key: "ada", Cell: "count", Value: json.RawMessage("1 2")},
		"timers are set and deleted one by one":         {Do: inspect.Set, Operator: "totals", Key: "ada", Cell: "timers", Value: json.RawMessage("{}")},
		"windows have times of their own":               {Do: inspect.SetTimer, Operator: "sessions", Key: "ada", At: at(1)},
		"the step says no time":                         {Do: inspect.SetTimer, Operator: "totals", Key: "ada"},
		"the key has no timer at 5":                     {Do: inspect.DeleteTimer, Operator: "totals", Key: "ada", At: at(5)},
		"say in which split the key is":                 {Do: inspect.Set, Operator: "totals", Key: "eve", Cell: "count", Value: json.RawMessage("1")},
		`the state has no split "memory/9"`:             {Do: inspect.Set, Operator: "totals", Key: "eve", Cell: "count", Value: json.RawMessage("1"), Split: "memory/9"},
		"no step is called \"put\"":                     {Do: "put", Operator: "totals", Key: "ada"},
		"it ends at 1, not behind its start":            {Do: inspect.Set, Operator: "sessions", Key: "ada", Cell: "windows", Value: json.RawMessage(`[{"start":1,"end":1,"records":1,"contents":[]}]`)},
		"windows are in the order of their start":       {Do: inspect.Set, Operator: "sessions", Key: "ada", Cell: "windows", Value: json.RawMessage(`[{"start":1,"end":2,"records":0,"contents":[]},{"start":1,"end":2,"records":0,"contents":[]}]`)},
		"window 0 has no contents":                      {Do: inspect.Set, Operator: "sessions", Key: "ada", Cell: "windows", Value: json.RawMessage(`[{"start":1,"end":2,"records":0}]`)},
		"a key without windows has no state: delete it": {Do: inspect.Set, Operator: "sessions", Key: "ada", Cell: "windows", Value: json.RawMessage(`[]`)},
		"it cannot hold -1 records":                     {Do: inspect.Set, Operator: "sessions", Key: "ada", Cell: "windows", Value: json.RawMessage(`[{"start":1,"end":2,"records":-1,"contents":[]}]`)},
	} {
		err := e.Do(s)
		require.ErrorIs(t, err, inspect.ErrStep, want)
		require.ErrorContains(t, err, want)
	}
	changes, err := e.Changes()
	require.NoError(t, err)
	require.Empty(t, changes)
	done()
	require.Equal(t, before, exported(t, dir))
}

// A step that is undone by another leaves nothing to change.
func TestStepsFollowEachOther(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	editable(t, dir, memorystate.Backend(), false, false, read...)
	e, done := beginEdit(t, dir)
	defer done()
	set := func(n string) inspect.Step {
		return inspect.Step{Do: inspect.Set, Operator: "totals", Key: "ada", Cell: "count", Value: json.RawMessage(n)}
	}
	timer := inspect.Step{Do: inspect.SetTimer, Operator: "totals", Key: "ada", At: at(9), Processing: true}
	undo := timer
	undo.Do = inspect.DeleteTimer
	require.NoError(t, e.Do(set("5"), timer, set("2"), undo))
	require.NoError(t, e.Do(inspect.Step{Do: inspect.Set, Operator: "totals", Key: "new", Cell: "count", Value: json.RawMessage("1")}, inspect.Step{Do: inspect.Delete, Operator: "totals", Key: "new"}))
	changes, err := e.Changes()
	require.NoError(t, err)
	require.Empty(t, changes)
}

// A large edit is recorded in short.
func TestLargeEdit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	editable(t, dir, memorystate.Backend(), false, false, read...)
	e, done := beginEdit(t, dir)
	for i := range 3000 {
		require.NoError(t, e.Do(inspect.Step{Do: inspect.Set, Operator: "totals", Key: fmt.Sprint("user", i), Cell: "count", Value: json.RawMessage("1")}))
	}
	require.NoError(t, e.Commit("", time.UnixMilli(1)))
	done()
	s := open(t, dir, nil)
	records, err := s.Edits()
	require.NoError(t, err)
	require.True(t, records[0].Shortened)
	require.Equal(t, 3000, records[0].Total)
	require.Less(t, len(records[0].Steps), 3000)
	require.EqualValues(t, 3003, mustDescribe(t, s).Operator("totals").Keys)
}
