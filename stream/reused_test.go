package stream_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/millrace/millrace/codec"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/file"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

type text = wrapperspb.StringValue

// words are messages that a source reads into one.
func words(t *testing.T, j *stream.Job, all ...string) stream.DataStream[*text] {
	t.Helper()
	var b strings.Builder
	for _, w := range all {
		_, err := protodelim.MarshalTo(&b, wrapperspb.String(w))
		require.NoError(t, err)
	}
	path := filepath.Join(t.TempDir(), "words")
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
	at := 0
	return stream.From(j, "words", file.Delimited(codec.Proto[*text](codec.Reused()), path), watermark.Monotonous(func(*text) time.Time { at++; return time.UnixMilli(int64(at)) }))
}

func first(w *text) string { return w.GetValue()[:1] }

type joined struct{}

func (joined) Process(_ *stream.Context, p stream.Pane[string, *text], out *stream.Collector[string]) error {
	var all []string
	for _, e := range p.Elements {
		all = append(all, e.GetValue())
	}
	out.Emit(strings.Join(all, "+"))
	return nil
}

// Records that are read into one message come to the same results; windows that hold records copy them.
func TestReusedRecords(t *testing.T) {
	j := newJob()
	var messages = map[*text]bool{}
	in := stream.Filter(words(t, j, "ape", "bee", "ant", "bat", "axolotl"), func(w *text) bool { messages[w] = true; return w.GetValue() != "bat" })
	keyed := stream.KeyByPartition(in, first, stream.PartitionedBy(stream.Partitioner{Name: "one", Partition: func([]byte, int32) int32 { return 0 }}))
	var held, longest, upper sinkmemory.List[string]
	stream.To(stream.Process(stream.Window(keyed, window.Tumbling(time.Hour)), "elements", joined{}), "held", &held)
	stream.To(stream.Map(stream.Reduce(stream.Window(keyed, window.Tumbling(time.Hour)), "longest of a kind", func(a, b *text) *text {
		if len(a.GetValue()) > len(b.GetValue()) {
			return a
		}
		return b
	}), (*text).GetValue), "longest", &longest)
	stream.To(stream.Map(in, func(w *text) string { return strings.ToUpper(w.GetValue()) }), "upper", &upper)
	require.NoError(t, j.Run(t.Context()))
	require.Len(t, messages, 1, "the source did not reuse its message")
	require.Equal(t, []string{"ape+ant+axolotl", "bee"}, held.Rows())
	require.Equal(t, []string{"axolotl", "bee"}, longest.Rows())
	require.Equal(t, []string{"APE", "BEE", "ANT", "AXOLOTL"}, upper.Rows())
}

// Where a record would be kept as it is, the job does not start.
func TestReusedRecordsAreNotKept(t *testing.T) {
	hour := window.Tumbling(time.Hour)
	for name, build := range map[string]func(in stream.DataStream[*text]){
		"sink": func(in stream.DataStream[*text]) { stream.To(in, "out", &sinkmemory.List[*text]{}) },
		"exchange": func(in stream.DataStream[*text]) {
			to(stream.Reduce(stream.Window(stream.KeyBy(in, first), hour), "w", func(a, _ *text) *text { return a }))
		},
		"rebalance": func(in stream.DataStream[*text]) { to(stream.Map(stream.Rebalance(in, 2), first)) },
		"late": func(in stream.DataStream[*text]) {
			w := stream.Window(stream.KeyByPartition(in, first), hour)
			to(stream.Process(w, "w", joined{}))
			stream.To(stream.Late(w), "out", &sinkmemory.List[*text]{})
		},
		"union": func(in stream.DataStream[*text]) {
			stream.To(stream.Union(in, stream.Filter(in, func(*text) bool { return true })), "out", &sinkmemory.List[*text]{})
		},
		"another codec": func(in stream.DataStream[*text]) {
			other := stream.WithCodec(in, codec.Proto[*text]())
			to(stream.Process(stream.Window(stream.KeyByPartition(other, first), hour), "w", joined{}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob()
			build(words(t, j, "ape"))
			require.ErrorContains(t, j.Run(t.Context()), `the records of source "words" are read into one value (codec.Reused)`, fmt.Sprint(name))
		})
	}
}
