package stream_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source"
	sourcememory "github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// traced collects events as text.
type traced struct {
	mu  sync.Mutex
	all []string
}

func (t *traced) tell(e stream.TraceEvent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", e.Kind, e.Key)
	if e.Window != (window.TimeWindow{}) {
		fmt.Fprintf(&b, "%s", e.Window)
	}
	for _, w := range e.Before {
		fmt.Fprintf(&b, " <%s", w)
	}
	if e.Split != "" {
		fmt.Fprintf(&b, " by %s:%d", e.Split, e.Offset)
	}
	fmt.Fprintf(&b, " at %s", timeText(e.Watermark))
	if e.Records != 0 {
		fmt.Fprintf(&b, " n=%d", e.Records)
	}
	if e.Late {
		b.WriteString(" late")
	}
	if e.Strict {
		b.WriteString(" strict")
	}
	t.all = append(t.all, b.String())
}

func timeText(ms int64) string {
	switch ms {
	case watermark.Min:
		return "begin"
	case watermark.Max:
		return "end"
	}
	return fmt.Sprint(ms)
}

// runTraced runs sessions of 10 ms, or other windows, over words in one split with a bound of 2 ms, in place or behind an exchange to so many tasks, and returns what was told.
func runTraced(t *testing.T, words []word, parallelism int, build func(stream.KeyedStream[string, word]) stream.WindowedStream[string, word], keys ...string) []string {
	to := &traced{}
	src := sourcememory.Of(words...).WithCodec(codec.JSON[word](1))
	job := stream.NewJob("traced", stream.Logger(quiet()), stream.Trace(keys, to.tell), stream.DefaultParallelism(max(1, parallelism)), stream.BatchSize(1))
	in := stream.From(job, "words", src, watermark.BoundedOutOfOrderness(2*ms, func(w word) time.Time { return time.UnixMilli(w.At) }))
	keyed := stream.KeyByPartition(in, keyOfWord)
	if parallelism > 0 {
		keyed = stream.KeyBy(in, keyOfWord, stream.OneSplitPerKey())
	}
	stream.To(stream.Process(build(keyed), "windows", panes{}), "out", discarded{})
	require.NoError(t, job.Run(context.Background()))
	return to.all
}

// discarded is an upsert sink that keeps nothing.
type discarded struct{}

func (discarded) Open(context.Context, sink.Env) (sink.Writer[string], error) {
	return discarded{}, nil
}
func (discarded) Traits() sink.Traits                             { return sink.Traits{Upserts: true} }
func (discarded) String() string                                  { return "discarded" }
func (discarded) Write(context.Context, []sink.Row[string]) error { return nil }
func (discarded) Close() error                                    { return nil }

func wordsAt(texts ...string) (all []word) {
	for _, text := range texts {
		key, at, _ := strings.Cut(text, "@")
		n := int64(0)
		fmt.Sscan(at, &n)
		all = append(all, word{key, key, n})
	}
	return all
}

func TestTraceSessions(t *testing.T) {
	sessions := func(opts ...stream.WindowOption) func(k stream.KeyedStream[string, word]) stream.WindowedStream[string, word] {
		return func(k stream.KeyedStream[string, word]) stream.WindowedStream[string, word] {
			return stream.Window(k, window.EventTimeSession(10*ms), opts...)
		}
	}
	// The watermark after a record is its time - 3, if that is higher. a@100 is fired by b@113: the watermark 110.
	words := wordsAt("a@100", "b@113", "a@99", "a@130", "a@115", "a@122", "b@200")
	require.Equal(t, []string{
		"opened a[100,110) by memory/0:0 at begin n=1",
		"fired a[100,110) by memory/0:1 at 110 n=1",
		"removed a[100,110) by memory/0:1 at 110 n=1",
		"late a[99,109) by memory/0:2 at 110",
		"opened a[130,140) by memory/0:3 at 110 n=1",
		"late a[115,125) by memory/0:4 at 127",
		"added a[122,140) <[130,140) by memory/0:5 at 127 n=2",
		"fired a[122,140) by memory/0:6 at 197 n=2",
		"removed a[122,140) by memory/0:6 at 197 n=2",
		"ended  by memory/0:7 at 197",
	}, runTraced(t, words, 0, sessions(), "a"), "without lateness")
	got := runTraced(t, words, 0, sessions(stream.AllowedLateness(20*ms)), "a")
	require.Equal(t, []string{
		"opened a[100,110) by memory/0:0 at begin n=1",
		"fired a[100,110) by memory/0:1 at 110 n=1",
		"added a[99,110) <[100,110) by memory/0:2 at 110 n=2",
		"retracted a[100,110) by memory/0:2 at 110 late",
		"fired a[99,110) by memory/0:2 at 110 n=2 late",
		"opened a[130,140) by memory/0:3 at 110 n=1",
		"opened a[115,125) by memory/0:4 at 127 n=1",
		"fired a[115,125) by memory/0:4 at 127 n=1 late",
		"merged a[115,140) <[115,125) <[130,140) by memory/0:5 at 127 n=3",
		"removed a[99,110) by memory/0:6 at 197 n=2",
		"retracted a[115,125) by memory/0:6 at 197",
		"fired a[115,140) by memory/0:6 at 197 n=3",
		"removed a[115,140) by memory/0:6 at 197 n=3",
		"ended  by memory/0:7 at 197",
	}, got, "with lateness")
	strict := runTraced(t, wordsAt("a@100", "a@112", "b@116", "a@110"), 0, sessions(stream.StrictLateness()), "a")
	require.Equal(t, "late a[110,120) by memory/0:3 at 113 strict", strict[len(strict)-4], strict)
}

func TestTraceKeys(t *testing.T) {
	tumbling := func(k stream.KeyedStream[string, word]) stream.WindowedStream[string, word] {
		return stream.Window(k, window.Tumbling(10*ms), stream.Trigger(window.Purging(window.AtCount(2))))
	}
	words := wordsAt("a@1", "b@2", "a@3", "c@4", "b@5")
	all := strings.Join(runTraced(t, words, 3, tumbling), "\n")
	for _, line := range []string{"opened a[0,10) by memory/0:0 at begin n=1", "added a[0,10) <[0,10) by memory/0:2 at -1 n=2", "fired a[0,10) by memory/0:2 at -1 n=2", "purged a[0,10) by memory/0:2 at -1 n=2", "opened c[0,10)"} {
		require.Contains(t, all, line)
	}
	some := strings.Join(runTraced(t, words, 3, tumbling, "b", "c"), "\n")
	require.Contains(t, some, "fired b[0,10) by memory/0:4")
	require.NotContains(t, some, "a[0,10)")
}

// TestTraceMover moves the time of a receiver by a split that has none of the key's records.
func TestTraceMover(t *testing.T) {
	to := &traced{}
	src := sourcememory.Splits([][]word{wordsAt("a@1"), wordsAt("b@50", "b@51")}).WithCodec(codec.JSON[word](1))
	job := stream.NewJob("traced", stream.Logger(quiet()), stream.Trace([]string{"a"}, to.tell))
	in := stream.From(job, "words", src, watermark.BoundedOutOfOrderness(2*ms, func(w word) time.Time { return time.UnixMilli(w.At) }))
	stream.To(stream.Process(stream.Window(stream.KeyBy(in, keyOfWord), window.Tumbling(10*ms)), "windows", panes{}), "out", discarded{})
	require.NoError(t, job.Run(context.Background()))
	got := strings.Join(to.all, "\n")
	require.Contains(t, got, "ended  by memory/0:1 at -2")
	require.Contains(t, got, "ended  by memory/1:2 at 48")
	require.Regexp(t, `fired a\[0,10\) (by memory/[01]:-1 at 48|at end) n=1`, got)
}

// badWords is a source whose record at offset 1 cannot be decoded and whose record at 2 is far ahead of the log's time.
type badWords struct{ *sourcememory.Source[word] }

func (s badWords) Open(ctx context.Context, env source.Env) (source.Session[word], error) {
	inner, err := s.Source.Open(ctx, env)
	return badSession{inner}, err
}

type badSession struct{ source.Session[word] }

func (s badSession) Reader(ctx context.Context, sp source.Split, at int64) (source.Reader[word], error) {
	inner, err := s.Session.Reader(ctx, sp, at)
	return badReader{inner}, err
}

type badReader struct{ source.Reader[word] }

func (r badReader) Fetch(ctx context.Context) (source.Chunk[word], error) {
	inner, err := r.Reader.Fetch(ctx)
	return badChunk{inner}, err
}

type badChunk struct{ source.Chunk[word] }

func (c badChunk) Next(r *source.Record[word]) bool {
	if !c.Chunk.Next(r) {
		return false
	}
	if r.Offset == 1 {
		r.Err = &source.DecodeError{Raw: source.Raw{Key: []byte("a")}, Err: errors.New("broken")}
	}
	return true
}

func TestTraceSource(t *testing.T) {
	to := &traced{}
	src := badWords{sourcememory.Of(wordsAt("a@100", "a@101", "a@900000000", "a@102")...).WithCodec(codec.JSON[word](1)).WithTimestamps(func(word) time.Time { return time.UnixMilli(100) })}
	job := stream.NewJob("traced", stream.Logger(quiet()), stream.Trace(nil, to.tell))
	in := stream.From(job, "words", src, watermark.BoundedOutOfOrderness(0, func(w word) time.Time { return time.UnixMilli(w.At) }), stream.SkipUndecodable())
	stream.To(stream.Process(stream.Window(stream.KeyByPartition(in, keyOfWord), window.Tumbling(1000*ms)), "windows", panes{}), "out", discarded{})
	require.NoError(t, job.Run(context.Background()))
	require.Equal(t, []string{
		"opened a[0,1000) by memory/0:0 at begin n=1",
		"undecodable  by memory/0:1 at 99",
		"quarantined  by memory/0:2 at 99",
		"added a[0,1000) <[0,1000) by memory/0:3 at 99 n=2",
		"ended  by memory/0:4 at 101",
		"fired a[0,1000) at end n=2",
		"removed a[0,1000) at end n=2",
	}, to.all)
}

func TestWhy(t *testing.T) {
	split := func(id string, w int64, change func(*stream.SplitStatus)) stream.SplitStatus {
		s := stream.SplitStatus{ID: id, Watermark: w, Records: 1}
		change(&s)
		return s
	}
	nothing := func(*stream.SplitStatus) {}
	for want, s := range map[string]stream.Status{
		"the job has no splits yet": {Watermark: watermark.Min},
		"all input has ended":       {Watermark: watermark.Max, Splits: []stream.SplitStatus{split("c/0", watermark.Max, func(s *stream.SplitStatus) { s.Finished = true })}},
		"nothing holds event time back: all splits are idle or have ended": {
			Watermark: watermark.Max, Splits: []stream.SplitStatus{split("c/0", 5, func(s *stream.SplitStatus) { s.Idle = true })}},
		"event time has not begun, held by c/1: it has no records; set an idleness in the watermark strategy if it may stay empty": {
			Watermark: watermark.Min, HeldBy: "c/1", Splits: []stream.SplitStatus{split("c/0", 5, nothing), split("c/1", watermark.Min, func(s *stream.SplitStatus) { s.AtEnd, s.Records = true, 0 })}},
		"event time is at 1970-01-01T00:00:00.005Z, held by c/0: it is being read": {
			Watermark: 5, HeldBy: "c/0", Splits: []stream.SplitStatus{split("c/0", 5, nothing), split("c/1", 9, nothing)}},
	} {
		require.Equal(t, want, s.Why())
	}
}
