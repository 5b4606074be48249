package stream_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/eventscript"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/streamtest"
)

// word is a record of an event script: "key:text@at".
type word struct {
	Key, Text string
	At        int64
}

func keyOfWord(w word) string { return w.Key }

// play turns an event script into what came out of each step that anything came out of, one line a step.
func play(t testing.TB, script string, build func(in stream.DataStream[word]) stream.DataStream[string]) string {
	t.Helper()
	steps, err := eventscript.Parse(script)
	require.NoError(t, err)
	h := streamtest.New(t, build)
	h.Sync()
	snapshot := h.Snapshot()
	var b strings.Builder
	for _, s := range steps {
		switch s.Kind {
		case eventscript.Record:
			key, text, ok := strings.Cut(s.Name, ":")
			if !ok {
				text = key
			}
			h.Push(word{key, text, s.At}, time.UnixMilli(s.At))
		case eventscript.Watermark:
			h.Watermark(time.UnixMilli(s.At))
		case eventscript.Wait:
			h.AdvanceTime(s.For)
		case eventscript.Crash:
			h.Restore(snapshot)
		case eventscript.End:
			h.End()
		}
		var out []string
		for _, r := range h.TakeRows() {
			out = append(out, show(r))
		}
		if s.Kind != eventscript.End {
			snapshot = h.Snapshot()
		}
		if out != nil {
			fmt.Fprintf(&b, "%s: %s\n", s.Word, strings.Join(out, " | "))
		}
	}
	return b.String()
}

func show(r sink.Row[string]) string {
	if r.Op == sink.Delete {
		return "-" + r.Value
	}
	return r.Value
}

// panes prints a window as "key[start,end)=texts", with an exclamation mark where a late record caused it.
type panes struct{}

func (panes) Process(ctx *stream.Context, p stream.Pane[string, word], out *stream.Collector[string]) error {
	var texts []string
	for _, e := range p.Elements {
		texts = append(texts, fmt.Sprintf("%s@%d", e.Text, e.At))
	}
	late := ""
	if p.Late {
		late = "!"
	}
	out.Emit(fmt.Sprintf("%s%s=%s%s", p.Key, p.Window, strings.Join(texts, ","), late))
	return nil
}

// windows is a job of windows whose late records join their results as "late key:text@at".
func windows(make func(stream.KeyedStream[string, word]) stream.WindowedStream[string, word]) func(stream.DataStream[word]) stream.DataStream[string] {
	return func(in stream.DataStream[word]) stream.DataStream[string] {
		w := make(stream.KeyBy(in, keyOfWord, stream.OneSplitPerKey()))
		out := stream.Process(w, "windows", panes{})
		late := stream.Map(stream.Late(w), func(w word) string { return fmt.Sprintf("late %s:%s@%d", w.Key, w.Text, w.At) })
		return stream.Union(out, late)
	}
}

func want(lines ...string) string { return strings.Join(lines, "\n") + "\n" }
