package stream_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	sourcememory "github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// idOf is the construction that Context.ResultID documents: texts with their length before them, numbers as 8 bytes, and the kind, a byte.
func idOf(parts ...any) string {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			b = append(binary.AppendUvarint(b, uint64(len(p))), p...)
		case int:
			b = binary.BigEndian.AppendUint64(b, uint64(p))
		case byte:
			b = append(b, p)
		}
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// runIDs runs a job named "golden" over two splits of words, the keys by split, and returns what it emits.
func runIDs(t *testing.T, build func(in stream.DataStream[word]) stream.DataStream[string]) ([]string, error) {
	src := sourcememory.Splits([][]word{
		{{"ann", "x", 1}, {"ann", "y z y", 3}},
		{{"bob", "x", 2}, {"bob", "y", 25}, {"bob", "z", 26}},
	}).WithCodec(codec.JSON[word](1))
	job := stream.NewJob("golden", stream.Logger(quiet()))
	out := &sinkmemory.List[string]{}
	stream.To(build(stream.From(job, "words", src, watermark.BoundedOutOfOrderness(0, func(w word) time.Time { return time.UnixMilli(w.At) }))), "out", out)
	err := job.Run(context.Background())
	return out.Rows(), err
}

// ids emits a label and the id of each of two results.
type ids[In any] struct{ label func(In) string }

func (f ids[In]) Process(ctx *stream.Context, in In, out *stream.Collector[string]) error {
	for range 2 {
		out.Emit(f.label(in) + " " + ctx.ResultID())
	}
	return nil
}

func paneLabel(p stream.Pane[string, word]) string { return p.Key + p.Window.String() }

func TestResultIDOfWindows(t *testing.T) {
	got, err := runIDs(t, func(in stream.DataStream[word]) stream.DataStream[string] {
		return stream.Process(stream.Window(stream.KeyBy(in, keyOfWord), window.Tumbling(10*ms)), "windows", ids[stream.Pane[string, word]]{paneLabel})
	})
	require.NoError(t, err)
	id := func(key string, start, n int) string {
		return fmt.Sprintf("%s[%d,%d) %s", key, start, start+10, idOf("millrace/result/1", "golden", "windows", key, byte('w'), start, start+10, n))
	}
	require.ElementsMatch(t, []string{id("ann", 0, 0), id("ann", 0, 1), id("bob", 0, 0), id("bob", 0, 1), id("bob", 20, 0), id("bob", 20, 1)}, got)
	require.Contains(t, got, "ann[0,10) e044c15ca14f94be46a3fb32b0fdc9b4", "the construction is for ever")
}

func TestResultIDOfPurgedWindows(t *testing.T) {
	build := func(opts ...stream.WindowOption) func(in stream.DataStream[word]) stream.DataStream[string] {
		return func(in stream.DataStream[word]) stream.DataStream[string] {
			return stream.Process(stream.Window(stream.KeyBy(in, keyOfWord), window.Count(1), opts...), "counts", ids[stream.Pane[string, word]]{paneLabel})
		}
	}
	got, err := runIDs(t, build(stream.Provenance()))
	require.NoError(t, err)
	require.Len(t, got, 10)
	require.Contains(t, got, fmt.Sprintf("bob%s %s", window.TimeWindow{Start: -1 << 63, End: 1<<63 - 1},
		idOf("millrace/result/1", "golden", "counts", "bob", byte('w'), -1<<63, 1<<63-1, "words", "memory/1", 2, 1)))
	distinct := map[string]bool{}
	for _, id := range got {
		distinct[id] = true
	}
	require.Len(t, distinct, 10, "each pane is a result of its own")
	_, err = runIDs(t, build())
	require.ErrorContains(t, err, `operator "counts"`)
	require.ErrorContains(t, err, "only with the window option Provenance")
}

func TestResultIDOfRecords(t *testing.T) {
	texts := func(in stream.DataStream[word]) stream.DataStream[string] { // several of one position
		return stream.FlatMap(in, func(w word, emit func(string)) {
			for _, c := range w.Text {
				if c != ' ' {
					emit(string(c))
				}
			}
		})
	}
	self := func(s string) string { return s }
	id := func(operator, text, key, split string, offset, occurrence, n int) string {
		return text + " " + idOf("millrace/result/1", "golden", operator, key, byte('r'), "words", split, offset, occurrence, n)
	}
	for _, c := range []struct {
		name  string
		build func(in stream.DataStream[word]) stream.DataStream[string]
		key   func(text string) string
		again int // the occurrence of the last text of ann's second record
	}{
		{"plain", func(in stream.DataStream[word]) stream.DataStream[string] {
			return stream.Process(texts(in), "plain", ids[string]{self})
		}, func(string) string { return "" }, 2},
		{"keyed", func(in stream.DataStream[word]) stream.DataStream[string] {
			keyed := stream.KeyBy(texts(in), self)
			return stream.Process(keyed, "keyed", ids[stream.Keyed[string, string]]{func(k stream.Keyed[string, string]) string { return k.Value }})
		}, self, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := runIDs(t, c.build)
			require.NoError(t, err)
			require.Len(t, got, 14)
			for n := range 2 {
				require.Contains(t, got, id(c.name, "x", c.key("x"), "memory/0", 0, 0, n))
				require.Contains(t, got, id(c.name, "y", c.key("y"), "memory/0", 1, 0, n))
				require.Contains(t, got, id(c.name, "y", c.key("y"), "memory/0", 1, c.again, n))
				require.Contains(t, got, id(c.name, "z", c.key("z"), "memory/1", 2, 0, n))
			}
		})
	}
}

// alarmed sets a timer for each key's records, and gives the ids of what its timers emit.
type alarmed struct{}

func (alarmed) Process(ctx *stream.Context, _ stream.Keyed[string, word], _ *stream.Collector[string]) error {
	ctx.SetEventTimer(ctx.Timestamp().Add(5 * ms))
	return nil
}

func (alarmed) OnTimer(ctx *stream.Context, in stream.Keyed[string, word], at time.Time, out *stream.Collector[string]) error {
	out.Emit(fmt.Sprintf("%s@%d %s", in.Key, at.UnixMilli(), ctx.ResultID()))
	return nil
}

func TestResultIDOfTimers(t *testing.T) {
	got, err := runIDs(t, func(in stream.DataStream[word]) stream.DataStream[string] {
		return stream.Process(stream.KeyBy(in, keyOfWord), "timers", alarmed{})
	})
	require.NoError(t, err)
	require.Len(t, got, 5)
	require.Contains(t, got, "ann@6 "+idOf("millrace/result/1", "golden", "timers", "ann", byte('t'), 0, 6, 0))
}

// TestResultIDWithoutPosition asks behind windows, where results have no position.
func TestResultIDWithoutPosition(t *testing.T) {
	got, err := runIDs(t, func(in stream.DataStream[word]) stream.DataStream[string] {
		counts := stream.Aggregate(stream.Window(stream.KeyBy(in, keyOfWord), window.Tumbling(10*ms)), "windows", spans{})
		return stream.Process(counts, "behind", ids[string]{func(string) string { return "none:" }})
	})
	require.NoError(t, err)
	require.Len(t, got, 6)
	require.Equal(t, "none: ", got[0])
}
