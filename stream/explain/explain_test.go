package explain_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/internal/oracle"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/explain"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

const minute = int64(60_000)

type click struct {
	User string
	At   int64 // minutes
	Kind string
}

type visit struct {
	User          string
	Start, Clicks int64
}

// visits are sessions of 30 minutes.
type visits struct{}

func (visits) Process(_ *stream.Context, p stream.Pane[string, click], out *stream.Collector[visit]) error {
	out.Emit(visit{p.Key, p.Window.Start / minute, int64(len(p.Elements))})
	return nil
}

func build(job *stream.Job, src source.Source[click], local bool, lateness time.Duration, to sink.Sink[visit]) {
	in := stream.From(job, "clicks", src, watermark.BoundedOutOfOrderness(time.Minute, func(c click) time.Time { return time.UnixMilli(c.At * minute) }), stream.SkipUndecodable())
	seen := stream.Filter(in, func(c click) bool { return c.Kind != "robot" })
	keyed := stream.KeyBy(seen, func(c click) string { return c.User }, stream.OneSplitPerKey())
	if local {
		keyed = stream.KeyByPartition(seen, func(c click) string { return c.User })
	}
	stream.To(stream.Process(stream.Window(keyed, window.EventTimeSession(30*time.Minute), stream.AllowedLateness(lateness)), "visits", visits{}), "rows", to)
}

// life explains ann, whose clicks are in the split that murmur2 puts them in; filler are others' clicks in the same split.
func life(t *testing.T, local bool, lateness time.Duration, splits [][]click) *explain.Life[string, visit] {
	cfg := explain.Config[click, string, visit]{
		Key: "ann", KeyOf: func(c click) string { return c.User }, Note: func(c click) string { return c.Kind }, RowKey: func(v visit) string { return v.User },
		Window: "visit",
	}
	if local {
		cfg.Partitioner = &stream.Murmur2
	}
	r := explain.New(cfg)
	job := stream.NewJob("visits", r.Option(), stream.Logger(slog.New(slog.DiscardHandler)))
	src := broken{memory.Splits(splits).WithName("clicks").WithCodec(codec.JSON[click](1)).WithTimestamps(func(c click) time.Time { return time.UnixMilli(c.At * minute / 10) })}
	build(job, r.Source(src), local, lateness, r.Sink())
	require.NoError(t, job.Run(context.Background()))
	return r.Life("visits")
}

// broken is a source whose records of the kind "broken" cannot be decoded.
type broken struct{ *memory.Source[click] }

func (s broken) Open(ctx context.Context, env source.Env) (source.Session[click], error) {
	inner, err := s.Source.Open(ctx, env)
	return brokenSession{inner}, err
}

type brokenSession struct{ source.Session[click] }

func (s brokenSession) Reader(ctx context.Context, sp source.Split, at int64) (source.Reader[click], error) {
	inner, err := s.Session.Reader(ctx, sp, at)
	return brokenReader{inner}, err
}

type brokenReader struct{ source.Reader[click] }

func (r brokenReader) Fetch(ctx context.Context) (source.Chunk[click], error) {
	inner, err := r.Reader.Fetch(ctx)
	return brokenChunk{inner}, err
}

type brokenChunk struct{ source.Chunk[click] }

func (c brokenChunk) Next(r *source.Record[click]) bool {
	if !c.Chunk.Next(r) {
		return false
	}
	if r.Value.Kind == "broken" {
		r.Err = &source.DecodeError{Raw: source.Raw{Topic: "clicks", Key: []byte(r.Value.User), Offset: r.Offset}, Err: errors.New("not a click")}
		r.Value = click{}
	}
	return true
}

// split is the place of ann among two splits.
var split = oracle.Partition("ann", 2)

func splits(clicks ...click) [][]click {
	all := [][]click{{{"zoe", 500, "view"}}, {{"zoe", 500, "view"}}}
	all[split] = clicks
	return all
}

var clicks = []click{
	{"ann", 0, "view"}, {"ann", 10, "robot"}, {"ann", 20, "cart"}, {"bob", 60, "view"}, {"ann", 5, "view"}, {"ann", 1, "broken"}, {"ann", 70, "view"}, {"ann", 90_000, "view"},
}

func text(t *testing.T, l *explain.Life[string, visit], bound time.Duration) string {
	var b bytes.Buffer
	require.NoError(t, explain.Text[string, visit]{Event: strings.ToUpper, Row: func(v visit) string { return fmt.Sprint(v) }, Bound: bound}.Write(&b, l))
	return b.String()
}

func TestText(t *testing.T) {
	at := fmt.Sprintf("clicks/%d", split)
	want := strings.ReplaceAll(`ann: 7 records in SPLIT; 1 visit, 1 open; 1 late
Times are UTC. The watermark is that of the record's partition, just before it.

1970-01-01 00:00:00.000  VIEW             SPLIT:0  watermark not begun
    opens the visit [1970-01-01 00:00:00.000, 00:30:00.000)
1970-01-01 00:01:00.000  ROBOT            SPLIT:1  not given to the visits
1970-01-01 00:20:00.000  CART             SPLIT:2  watermark 00:08:59.999
    extends the visit to [1970-01-01 00:00:00.000, 00:50:00.000), now of 2 records
1970-01-01 00:58:59.999  the watermark gets here, by SPLIT:3
    emits the visit [1970-01-01 00:00:00.000, 00:50:00.000) of 2 records
      {ann 0 2}
1970-01-01 00:05:00.000  VIEW             SPLIT:4  watermark 00:58:59.999
    late by 9m0s: the visit [1970-01-01 00:00:00.000, 00:50:00.000) was closed when the watermark reached 1970-01-01 00:58:59.999, by SPLIT offset 3; allowed lateness 0s
1970-01-01 00:00:06.000  (not decodable)  SPLIT:5  watermark 00:58:59.999
    clicks/0 offset 5: cannot decode the record (0 bytes): not a click
    not decodable: it was passed over
1970-01-01 01:10:00.000  VIEW             SPLIT:6  watermark 00:58:59.999
    opens the visit [1970-01-01 01:10:00.000, 01:40:00.000)
1970-03-04 12:00:00.000  VIEW             SPLIT:7  watermark 1970-01-01 01:08:59.999
    quarantined: its time lies too far ahead of the log's own: it was set aside and moved no watermark

Visits emitted
  [1970-01-01 00:00:00.000, 00:50:00.000), 2 records
    {ann 0 2}

Open: visit [1970-01-01 01:10:00.000, 01:40:00.000), 1 record
    so far: {ann 70 1}
  It is emitted when the watermark is 1970-01-01 01:40:00.000.
  SPLIT holds it: its watermark is 1970-01-01 01:08:59.999, 31m0.001s short, at its end, offset 8.
  Released by any record of SPLIT with a time of 1970-01-01 01:41:00.001 or later.
`, "SPLIT", at)
	require.Equal(t, want, text(t, life(t, true, 0, splits(clicks...)), time.Minute))
}

// TestHeldByAnotherSplit reads both splits: what holds the window open is the one that no record of ann is in.
func TestHeldByAnotherSplit(t *testing.T) {
	all := splits(click{"ann", 0, "view"}, click{"bob", 60, "view"}, click{"ann", 61, "view"}, click{"bob", 120, "view"})
	all[1-split] = nil
	l := life(t, false, 0, all)
	require.Len(t, l.Windows, 2)
	require.False(t, l.Windows[0].Open, "a record of ann came after it was due, which emits it whatever the other split does")
	require.True(t, l.Windows[1].Open)
	got := text(t, l, -1)
	require.Contains(t, got, fmt.Sprintf("clicks/%d holds it: no record of it has moved event time, up to its end at offset 0.", 1-split))
	require.Contains(t, got, fmt.Sprintf("Released by records of clicks/%d that take the watermark there.", 1-split))
	require.NotContains(t, got, fmt.Sprintf("clicks/%d holds", split))
}

// TestLateness follows a visit through late firings, a merge with an open one, and its closing.
func TestLateness(t *testing.T) {
	l := life(t, true, time.Hour, splits(click{"ann", 0, "view"}, click{"bob", 60, "view"}, click{"ann", 20, "view"}, click{"ann", 75, "view"}, click{"ann", 49, "cart"}))
	var kinds []string
	for _, s := range l.Steps {
		for _, d := range s.Decisions {
			kinds = append(kinds, d.Kind)
		}
	}
	require.Equal(t, []string{"opened", "fired", "added", "retracted", "fired", "opened", "merged"}, kinds)
	require.Len(t, l.Windows, 2)
	first, second := l.Windows[0], l.Windows[1]
	require.True(t, first.Provisional && !first.Open, "its row stands until the open one is emitted")
	require.Equal(t, []visit{{"ann", 0, 2}}, first.Rows)
	require.True(t, second.Open)
	require.Equal(t, []visit{{"ann", 0, 4}}, second.Rows)
	got := text(t, l, time.Minute)
	require.Contains(t, got, "too late for the first result: emits again the visit [1970-01-01 00:00:00.000, 00:50:00.000) of 2 records")
	require.Contains(t, got, "takes back the result of the visit [1970-01-01 00:00:00.000, 00:30:00.000)")
	require.Contains(t, got, "joins the visits [1970-01-01 00:00:00.000, 00:50:00.000) and [1970-01-01 01:15:00.000, 01:45:00.000) to one")
	require.Contains(t, got, "which will replace it")

	l = life(t, true, time.Hour, splits(click{"ann", 0, "view"}, click{"bob", 120, "view"}, click{"ann", 5, "view"}))
	got = text(t, l, time.Minute)
	require.Contains(t, got, "closes the visit [1970-01-01 00:00:00.000, 00:30:00.000)")
	require.Contains(t, got, "late by 24m0s: the visit [1970-01-01 00:00:00.000, 00:30:00.000) was closed when")
	require.Contains(t, got, "allowed lateness 1h0m0s")
}

// TestLateAlone is late without any window near it.
func TestLateAlone(t *testing.T) {
	got := text(t, life(t, true, 0, splits(click{"bob", 120, "view"}, click{"ann", 5, "view"})), time.Minute)
	require.Contains(t, got, "late by 1h24m0s: a visit of its own, [1970-01-01 00:05:00.000, 00:35:00.000), takes records until the watermark is 1970-01-01 00:35:00.000, and it was 1970-01-01 01:58:59.999; allowed lateness 0s")
	require.Contains(t, got, "Visits emitted\n  none\n")
}

func TestJSON(t *testing.T) {
	l := life(t, true, 0, splits(clicks...))
	b, err := json.Marshal(l)
	require.NoError(t, err)
	var back explain.Life[string, visit]
	require.NoError(t, json.Unmarshal(b, &back))
	again, err := json.Marshal(back)
	require.NoError(t, err)
	require.JSONEq(t, string(b), string(again))
	require.Contains(t, string(b), `"held_by":[{"split":"clicks/`)
	empty, err := json.Marshal(life(t, true, 0, splits(click{"bob", 1, "view"})))
	require.NoError(t, err)
	require.Contains(t, string(empty), `"steps":[],"windows":[]`)
}

// TestColour changes nothing but the look.
func TestColour(t *testing.T) {
	l := life(t, true, 0, splits(clicks...))
	var b bytes.Buffer
	require.NoError(t, explain.Text[string, visit]{Event: strings.ToUpper, Row: func(v visit) string { return fmt.Sprint(v) }, Bound: time.Minute, Colour: true}.Write(&b, l))
	bare := b.String()
	for _, code := range []string{"0", "1", "2", "31", "32", "33"} {
		bare = strings.ReplaceAll(bare, "\x1b["+code+"m", "")
	}
	require.NotEqual(t, bare, b.String())
	require.Equal(t, text(t, l, time.Minute), bare)
	require.False(t, slices.Contains([]byte(bare), 0x1b))
}
