package parquet_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"path/filepath"
	"testing"
	"time"

	pq "github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/state/inspect"
	"github.com/millrace/millrace/state/inspect/parquet"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// stored is a row as a reader of the file declares it.
type stored struct {
	Operator    string     `parquet:"operator"`
	Key         string     `parquet:"key"`
	Shard       int64      `parquet:"shard"`
	Split       *int64     `parquet:"split,optional"`
	Cell        string     `parquet:"cell"`
	Codec       string     `parquet:"codec"`
	WindowStart *time.Time `parquet:"window_start,optional,timestamp(microsecond)"`
	WindowEnd   *time.Time `parquet:"window_end,optional,timestamp(microsecond)"`
	Records     *int64     `parquet:"records,optional"`
	Fired       *bool      `parquet:"fired,optional"`
	Timer       *time.Time `parquet:"timer,optional,timestamp(microsecond)"`
	TimerKind   *string    `parquet:"timer_kind,optional"`
	Value       *string    `parquet:"value,optional"`
}

func readAll(t *testing.T, file []byte) []stored {
	t.Helper()
	r := pq.NewGenericReader[stored](bytes.NewReader(file))
	rows := make([]stored, r.NumRows())
	n, err := r.Read(rows)
	if !errors.Is(err, io.EOF) {
		require.NoError(t, err)
	}
	require.Len(t, rows, n)
	require.NoError(t, r.Close())
	return rows
}

type click struct {
	User string `json:"user"`
	At   int64  `json:"at"`
}

type counts struct{ n stream.ValueState[int] }

func (c *counts) Open(ctx *stream.OpenContext) error {
	c.n = stream.NewValue(ctx, "count", codec.Int())
	return nil
}

func (c *counts) Process(ctx *stream.Context, in stream.Keyed[string, click], _ *stream.Collector[int]) error {
	n, _ := c.n.Get()
	c.n.Set(n + 1)
	ctx.SetEventTimer(time.UnixMilli(in.Value.At + 1000))
	ctx.SetEventTimer(time.UnixMilli(math.MaxInt64))
	return nil
}

func (c *counts) OnTimer(*stream.Context, stream.Keyed[string, click], time.Time, *stream.Collector[int]) error {
	return nil
}

func open(t *testing.T, dir string) *inspect.State {
	t.Helper()
	d, err := inspect.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	s, err := inspect.New(d, nil)
	require.NoError(t, err)
	return s
}

func TestExport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	job := stream.NewJob("shop", stream.StateDir(dir), stream.NoDrain(), stream.Logger(slog.New(slog.DiscardHandler)))
	src := memory.Of(click{"ada", 1000}, click{"ada", 1500}, click{"bob", 1600}).WithCodec(codec.JSON[click](1))
	in := stream.From(job, "clicks", src, watermark.Monotonous(func(c click) time.Time { return time.UnixMilli(c.At) }))
	byUser := stream.KeyBy(in, func(c click) string { return c.User }, stream.OneSplitPerKey())
	stream.To(stream.Process(byUser, "counts", stream.PerTask(func() *counts { return &counts{} })), "out", &sinkmemory.List[int]{})
	last := func(_, b click) click { return b }
	stream.To(stream.Reduce(stream.Window(byUser, window.EventTimeSession(time.Minute)), "sessions", last), "last", &sinkmemory.List[click]{})
	stream.To(stream.Reduce(stream.Window(byUser, window.Global()), "all", last), "never", &sinkmemory.List[click]{})
	require.NoError(t, job.Run(t.Context()))
	s := open(t, dir)

	var file bytes.Buffer
	keys, n, err := parquet.Write(&file, s, s.Operators()...)
	require.NoError(t, err)
	rows := readAll(t, file.Bytes())
	require.EqualValues(t, 6, keys)
	require.Len(t, rows, int(n))
	got := map[string]int{}
	for _, r := range rows {
		got[r.Operator+" "+r.Key+" "+r.Cell]++
		require.NotNil(t, r.Split)
		require.Zero(t, *r.Split)
		require.Equal(t, r.Cell == "windows", r.Records != nil)
		require.Equal(t, r.Cell == "windows", r.Fired != nil)
		require.Equal(t, r.Cell == "timers", r.TimerKind != nil)
		require.Equal(t, r.Cell == "timers", r.Value == nil)
		if r.Key != "ada" {
			continue
		}
		switch r.Operator + " " + r.Cell {
		case "sessions windows":
			require.Equal(t, "windows/1<optional<json:parquet_test.click/v1>>", r.Codec)
			require.Equal(t, int64(1000), r.WindowStart.UnixMilli())
			require.Equal(t, int64(61_500), r.WindowEnd.UnixMilli())
			require.EqualValues(t, 2, *r.Records)
			require.JSONEq(t, `{"user":"ada","at":1500}`, *r.Value)
		case "all windows":
			require.Nil(t, r.WindowEnd, "a window without end")
		case "counts count":
			require.Equal(t, "2", *r.Value)
		case "counts timers":
			require.Equal(t, "event", *r.TimerKind)
		}
	}
	require.Equal(t, map[string]int{
		"counts ada count": 1, "counts ada timers": 3, "counts bob count": 1, "counts bob timers": 2,
		"sessions ada windows": 1, "sessions bob windows": 1, "all ada windows": 1, "all bob windows": 1,
	}, got)
	_, _, err = parquet.Write(io.Discard, s, "visits")
	require.ErrorIs(t, err, inspect.ErrNoOperator)
}

// What is exported of a larger state is what its walk shows, in its order.
func TestExportIsWhatIsShown(t *testing.T) {
	s := open(t, "../../savepoint/testdata/format1")
	var file bytes.Buffer
	_, _, err := parquet.Write(&file, s, "analytics")
	require.NoError(t, err)
	rows := readAll(t, file.Bytes())
	for e, err := range s.Entries("analytics") {
		require.NoError(t, err)
		var windows []struct {
			Start    int64
			Contents json.RawMessage
		}
		require.NoError(t, json.Unmarshal(e.State["windows"], &windows))
		for _, w := range windows {
			require.NotEmpty(t, rows)
			require.Equal(t, e.Key, rows[0].Key)
			require.Equal(t, w.Start, rows[0].WindowStart.UnixMilli())
			require.Equal(t, string(w.Contents), *rows[0].Value)
			rows = rows[1:]
		}
	}
	require.Empty(t, rows)
}
