package inspect_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
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
)

type click struct {
	User, Page string
	At         int64
}

// pages counts a user's pages and sets a timer an hour after each click.
type pages struct {
	count stream.ValueState[int]
	seen  stream.MapState[string, float64]
	last  stream.ValueState[click]
	odd   stream.ValueState[[]byte]
}

func (p *pages) Open(ctx *stream.OpenContext) error {
	p.count = stream.NewValue(ctx, "count", codec.Int())
	p.seen = stream.NewMap(ctx, "seen", codec.String(), codec.Float64())
	p.last = stream.NewValue(ctx, "last", codec.JSON[click](1))
	p.odd = stream.NewValue(ctx, "odd", codec.Bytes())
	return nil
}

func (p *pages) Process(ctx *stream.Context, in stream.Keyed[string, click], _ *stream.Collector[string]) error {
	n, _ := p.count.Get()
	p.count.Set(n + 1)
	p.seen.Set(in.Value.Page, float64(n)+0.5)
	p.last.Set(in.Value)
	p.odd.Set([]byte{0xff, byte(n)})
	ctx.SetEventTimer(time.UnixMilli(in.Value.At + time.Hour.Milliseconds()))
	return nil
}

func (p *pages) OnTimer(*stream.Context, stream.Keyed[string, click], time.Time, *stream.Collector[string]) error {
	return nil
}

// run leaves the state of a job that has read some clicks.
func run(t *testing.T, b state.Backend, clicks ...click) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "state")
	job := stream.NewJob("shop", stream.StateDir(dir), stream.Backend(b), stream.NoDrain(), stream.CheckpointEvery(time.Hour), stream.Logger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	src := memory.Of(clicks...).WithCodec(codec.JSON[click](1))
	in := stream.From(job, "clicks", src, watermark.BoundedOutOfOrderness(0, func(c click) time.Time { return time.UnixMilli(c.At) }))
	byUser := stream.KeyBy(in, func(c click) string { return c.User })
	stream.To(stream.Process(byUser, "pages", stream.PerTask(func() *pages { return &pages{} })), "out", &sinkmemory.List[string]{})
	require.NoError(t, job.Run(t.Context()))
	return dir
}

func open(t *testing.T, dir string, codecs inspect.Codecs) *inspect.State {
	t.Helper()
	d, err := inspect.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	s, err := inspect.New(d, codecs)
	require.NoError(t, err)
	return s
}

func lines(t *testing.T, s *inspect.State, uid string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for e, err := range s.Entries(uid) {
		require.NoError(t, err)
		b, err := json.Marshal(e.State)
		require.NoError(t, err)
		all[e.Key] = fmt.Sprintf("%s timer %d", b, *e.EventTimer)
	}
	return all
}

var clicks = []click{{"ada", "/", 1000}, {"bob", "/", 2000}, {"ada", "/cart", 3000}, {"\x00\xff", "/", 4000}}

var wanted = map[string]string{
	"ada": `{"count":2,"last":{"User":"ada","Page":"/cart","At":3000},"odd":{"hex":"ff01"},"seen":[{"key":"/","value":0.5},{"key":"/cart","value":1.5}],` +
		`"timers":{"event":[3601000,3603000]}} timer 3601000`,
	"bob":    `{"count":1,"last":{"User":"bob","Page":"/","At":2000},"odd":{"hex":"ff00"},"seen":[{"key":"/","value":0.5}],"timers":{"event":[3602000]}} timer 3602000`,
	"0x00ff": `{"count":1,"last":{"User":"\u0000\ufffd","Page":"/","At":4000},"odd":{"hex":"ff00"},"seen":[{"key":"/","value":0.5}],"timers":{"event":[3604000]}} timer 3604000`,
}

// The state of a function is shown the same from either backend and from a savepoint.
func TestStateOfAFunction(t *testing.T) {
	pebble, inMemory := run(t, pebblestate.Backend(), clicks...), run(t, memorystate.Backend(), clicks...)
	saved := filepath.Join(t.TempDir(), "savepoint")
	d, err := inspect.Open(pebble)
	require.NoError(t, err)
	require.Equal(t, "pebble", d.Kind)
	_, err = savepoint.Write(d, saved)
	require.NoError(t, err)
	require.NoError(t, d.Close())
	for _, dir := range []string{pebble, inMemory, saved} {
		s := open(t, dir, nil)
		require.Equal(t, []string{"clicks", "pages", "out"}, s.Operators())
		require.Equal(t, wanted, lines(t, s, "pages"))
		require.Empty(t, lines(t, s, "out"))
		for _, key := range slices.Sorted(maps.Keys(wanted)) {
			found, err := s.Get("pages", key)
			require.NoError(t, err)
			require.Len(t, found, 1)
			require.Equal(t, key, found[0].Key)
		}
		found, err := s.Get("pages", "eve")
		require.NoError(t, err)
		require.Empty(t, found)
		_, err = s.Get("visits", "ada")
		require.ErrorIs(t, err, inspect.ErrNoOperator)
		_, err = s.Get("pages", "0xz")
		require.ErrorContains(t, err, "hex")
		m, err := s.Describe()
		require.NoError(t, err)
		require.EqualValues(t, 3, m.Keys())
		require.EqualValues(t, 3, m.Operator("pages").EventTimers)
		require.EqualValues(t, 4, m.Splits[0].Position)
	}
	own := open(t, saved, inspect.Codecs{"bytes": func(src []byte) (json.RawMessage, error) { return json.Marshal(len(src)) }})
	require.Contains(t, lines(t, own, "pages")["ada"], `"odd":2`)
	broken := open(t, saved, inspect.Codecs{"bytes": func([]byte) (json.RawMessage, error) { return nil, io.ErrUnexpectedEOF }})
	for _, err := range broken.Entries("pages") {
		require.ErrorContains(t, err, `state "odd" as bytes`)
	}
}

func TestDiff(t *testing.T) {
	before := open(t, run(t, pebblestate.Backend(), clicks...), nil)
	after := open(t, run(t, memorystate.Backend(), clicks[0], clicks[2], clicks[1], click{"bob", "/pay", 5000}, click{"eve", "/", 6000}), nil)
	got := map[string]string{}
	for c, err := range inspect.Diff(before, after) {
		require.NoError(t, err)
		switch {
		case c.Before == nil:
			got[c.Key] = "came"
		case c.After == nil:
			got[c.Key] = "went"
		default:
			got[c.Key] = string(c.Before.State["count"]) + " to " + string(c.After.State["count"])
		}
	}
	require.Equal(t, map[string]string{"bob": "1 to 2", "eve": "came", "0x00ff": "went"}, got)
	for c, err := range inspect.Diff(after, after) {
		t.Errorf("a state differs from itself: %v, %v", c, err)
	}
}

// The windows of the golden savepoint, whose job is long gone.
func TestWindows(t *testing.T) {
	s := open(t, "../savepoint/testdata/format1", nil)
	n := 0
	for e, err := range s.Entries("analytics") {
		require.NoError(t, err)
		require.NotNil(t, e.Split)
		var windows []struct {
			Start, End, Records int64
			Contents            []struct{ User string }
		}
		require.NoError(t, json.Unmarshal(e.State["windows"], &windows))
		for _, w := range windows {
			require.Less(t, w.Start, w.End)
			require.Len(t, w.Contents, int(w.Records))
			for _, c := range w.Contents {
				require.Equal(t, e.Key, c.User)
				n++
			}
		}
	}
	require.Positive(t, n)
}

func TestOnlyAStateIsOpened(t *testing.T) {
	_, err := inspect.Open(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	empty := t.TempDir()
	_, err = inspect.Open(empty)
	require.ErrorIs(t, err, inspect.ErrNoState)
	names, err := os.ReadDir(empty)
	require.NoError(t, err)
	require.Empty(t, names, "looking made something")
	for _, b := range []state.Backend{pebblestate.Backend(), memorystate.Backend()} {
		dir := run(t, b, clicks...)
		running, err := b.Open(dir, 0)
		require.NoError(t, err)
		_, err = inspect.Open(dir)
		require.ErrorIs(t, err, state.ErrLocked)
		require.ErrorContains(t, err, "a job is running on this state")
		require.NoError(t, running.Close())
	}
	half := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(half, "run.kv"), nil, 0o644))
	_, err = inspect.Open(half)
	require.ErrorIs(t, err, savepoint.ErrIncomplete)
}
