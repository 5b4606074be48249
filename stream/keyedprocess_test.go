package stream_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/streamtest"
)

// timerWords sets and deletes timers as a record's text says: "e12" an event timer at 12, "p5" a processing timer in 5 ms, "-e12" deletes. A timer at n
// sets those that again names for n.
type timerWords struct{ again map[int64][]int64 }

func (f *timerWords) Open(*stream.OpenContext) error { return nil }

func (f *timerWords) Process(ctx *stream.Context, in stream.Keyed[string, word], _ *stream.Collector[string]) error {
	for _, s := range strings.Split(in.Value.Text, ",") {
		kind := strings.TrimRight(s, "0123456789")
		n, err := strconv.ParseInt(s[len(kind):], 10, 64)
		if err != nil {
			return err
		}
		switch kind {
		case "e":
			ctx.SetEventTimer(time.UnixMilli(n))
		case "-e":
			ctx.DeleteEventTimer(time.UnixMilli(n))
		case "p":
			ctx.SetProcessingTimer(streamtest.Start.Add(time.Duration(n) * ms))
		case "-p":
			ctx.DeleteProcessingTimer(streamtest.Start.Add(time.Duration(n) * ms))
		}
	}
	return nil
}

func (f *timerWords) OnTimer(ctx *stream.Context, in stream.Keyed[string, word], at time.Time, out *stream.Collector[string]) error {
	n := at.UnixMilli()
	if start := streamtest.Start.UnixMilli(); n >= start && n < start+1000 {
		out.Emit(fmt.Sprintf("%s p%d", in.Key, n-start))
		return nil
	}
	out.Emit(fmt.Sprintf("%s e%d", in.Key, n))
	for _, next := range f.again[n] {
		ctx.SetEventTimer(time.UnixMilli(next))
	}
	return nil
}

func TestTimerScripts(t *testing.T) {
	for _, c := range []struct {
		name, script string
		again        map[int64][]int64
		want         string
	}{
		{"X9 a timer before", "a:e10@1 W@10 W@11", map[int64][]int64{10: {9, 11}}, want("W@10: a e10 | a e9", "W@11: a e11")},
		{"X9 the same time twice is once", "a:e10,e10@1 a:e10@2 W@10", nil, want("W@10: a e10")},
		{"time, then key bytes", "b:e5@1 a:e6@1 c:e4@1 ab:e5@1 a:e5@1 W@9", nil, want("W@9: c e4 | a e5 | ab e5 | b e5 | a e6")},
		{"deleted", "a:e5,e6@1 a:-e5@2 a:-e7@2 W@9", nil, want("W@9: a e6")},
		{"deleted and set again", "a:e5@1 a:-e5@2 a:e5@3 CRASH W@9", nil, want("W@9: a e5")},
		{"the end of input fires all", "a:e500,p900@1 b:e9@1 END", nil, want("END: b e9 | a e500 | a p900")},
		{"processing time", "a:p5,p7,p6@1 b:p6@1 +5ms +2ms", nil, want("+5ms: a p5", "+2ms: a p6 | b p6 | a p7")},
		{"processing time deleted, and a crash", "a:p5,p7@1 a:-p5@1 CRASH +9ms", nil, want("+9ms: a p7")},
		{"a key's timers fire before its next record", "a:e5@1 W@9 a:e7@8 W@10", nil, want("W@9: a e5", "W@10: a e7")},
		{"timers survive crashes", "a:e5@1 CRASH b:e3@1 CRASH W@4 CRASH W@5 CRASH", nil, want("W@4: b e3", "W@5: a e5")},
		{"the last timer there can be", "a:e9223372036854775807@1 END", nil, want("END: a e9223372036854775806")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, play(t, c.script, func(in stream.DataStream[word]) stream.DataStream[string] {
				return stream.Process(stream.KeyBy(in, keyOfWord, stream.OneSplitPerKey()), "timers", stream.PerTask(func() *timerWords { return &timerWords{c.again} }))
			}))
		})
	}
}

// A timer that sets its own time again fires again in the same advance: here three times.
func TestTimerSetsItself(t *testing.T) {
	left := 3
	h := streamtest.Keyed(t, func(s string) string { return s }, stream.PerTask(func() *repeats { return &repeats{&left} }))
	h.Push("a", time.UnixMilli(1))
	h.Watermark(time.UnixMilli(10))
	require.Equal(t, []string{"10", "10", "10"}, h.Take())
}

type repeats struct{ left *int }

func (r *repeats) Process(ctx *stream.Context, _ stream.Keyed[string, string], _ *stream.Collector[string]) error {
	ctx.SetEventTimer(time.UnixMilli(10))
	return nil
}

func (r *repeats) OnTimer(ctx *stream.Context, _ stream.Keyed[string, string], at time.Time, out *stream.Collector[string]) error {
	out.Emit(fmt.Sprint(ctx.CurrentWatermark()))
	if *r.left--; *r.left > 0 {
		ctx.SetEventTimer(at)
	}
	return nil
}

// kinds has a state of each kind.
type kinds struct {
	value stream.ValueState[string]
	list  stream.ListState[int]
	words stream.MapState[string, int]
	sum   stream.ReducingState[int]
	text  stream.AggregatingState[int, string]
}

func (k *kinds) Open(ctx *stream.OpenContext) error {
	k.value = stream.NewValue(ctx, "value", codec.String())
	k.list = stream.NewList(ctx, "list", codec.Int())
	k.words = stream.NewMap(ctx, "map", codec.String(), codec.Int())
	k.sum = stream.NewReducing(ctx, "sum", codec.Int(), func(a, b int) int { return a + b })
	k.text = stream.NewAggregating(ctx, "text", codec.String(), func(a string, n int) string { return a + strconv.Itoa(n) })
	return nil
}

func (k *kinds) Process(_ *stream.Context, in stream.Keyed[int, int], out *stream.Collector[string]) error {
	n := in.Value / 10
	if n == 0 {
		k.value.Clear()
		k.list.Clear()
		k.words.Clear()
		k.sum.Clear()
		k.text.Clear()
		return nil
	}
	before, _ := k.value.Get()
	k.value.Set(fmt.Sprint(n))
	k.list.Add(n, -n)
	if _, ok := k.words.Get("odd"); n%2 == 0 && ok {
		k.words.Delete("odd")
	} else {
		k.words.Set("odd", n)
	}
	k.words.Set("z"+strconv.Itoa(n), n)
	k.sum.Add(n)
	k.text.Add(n)
	sum, _ := k.sum.Get()
	text, _ := k.text.Get()
	var words []string
	for w, n := range k.words.All() {
		words = append(words, fmt.Sprint(w, n))
	}
	out.Emit(fmt.Sprintf("%s%v %v %d %d %s", before, k.list.All(), words, k.words.Len(), sum, text))
	return nil
}

func TestStateKinds(t *testing.T) {
	newHarness := func() *streamtest.Harness[int, string] {
		return streamtest.Keyed(t, func(n int) int { return n % 10 }, stream.PerTask(func() *kinds { return &kinds{} }))
	}
	steady, crashing := newHarness(), newHarness()
	var got []string
	for i, n := range []int{13, 21, 23, 17, 33, 3, 43, 27, 1, 11} {
		at := time.UnixMilli(int64(i))
		steady.Push(n, at)
		crashing.Push(n, at)
		saved := crashing.Snapshot()
		got = append(got, crashing.Take()...)
		crashing.Push(93, at) // is lost with the crash
		crashing.Restore(saved)
	}
	require.Equal(t, []string{
		"[1 -1] [odd1 z11] 2 1 1",
		"[2 -2] [odd2 z22] 2 2 2",
		"1[1 -1 2 -2] [z11 z22] 2 3 12",
		"[1 -1] [odd1 z11] 2 1 1",
		"2[1 -1 2 -2 3 -3] [odd3 z11 z22 z33] 4 6 123",
		"[4 -4] [odd4 z44] 2 4 4",
		"1[1 -1 2 -2] [z11 z22] 2 3 12",
		"[1 -1] [odd1 z11] 2 1 1",
	}, got)
	require.Equal(t, got, steady.Take())
}

// Outputs carry their cause's time: a record's its own, a timer's the timer's.
func TestOutputTimestamps(t *testing.T) {
	h := streamtest.Keyed(t, func(s string) string { return s }, stream.PerTask(func() *stamps { return &stamps{} }))
	side := streamtest.Side(h, stampsAside)
	h.Push("a", time.UnixMilli(5))
	h.Watermark(time.UnixMilli(100))
	require.Equal(t, []sink.Row[string]{{Value: "record", Timestamp: 5}, {Value: fmt.Sprint("timer ", 49), Timestamp: 50}}, h.TakeRows())
	require.Equal(t, []sink.Row[int64]{{Value: math.MinInt64, Timestamp: 5}}, side.TakeRows())
	h.Push("b", time.UnixMilli(30)) // its timer is behind the watermark that the record sees, and is due with the next
	h.Watermark(time.UnixMilli(101))
	require.Equal(t, []sink.Row[string]{{Value: "record", Timestamp: 30}, {Value: fmt.Sprint("timer ", 100), Timestamp: 50}}, h.TakeRows())
}

var stampsAside = stream.NewTag[int64]("watermarks")

type stamps struct{}

func (*stamps) Process(ctx *stream.Context, _ stream.Keyed[string, string], out *stream.Collector[string]) error {
	ctx.SetEventTimer(time.UnixMilli(50))
	out.Emit("record")
	return stream.EmitTo(ctx, stampsAside, ctx.Watermark())
}

func (*stamps) OnTimer(ctx *stream.Context, _ stream.Keyed[string, string], _ time.Time, out *stream.Collector[string]) error {
	out.Emit(fmt.Sprint("timer ", ctx.Watermark()))
	return nil
}

// One key with very many windows at once.
func TestManyWindowsOfAKey(t *testing.T) {
	h := streamtest.New(t, windows(func(k stream.KeyedStream[string, word]) stream.WindowedStream[string, word] {
		return stream.DynamicSessions(k, "1 ms", func(word) time.Duration { return ms })
	}))
	var want []string
	for i := range int64(2000) {
		at := (i*7919)%2000*5 - 3000 // all multiples of 5 from -3000 to 7000, shuffled
		h.Push(word{"a", "x", at}, time.UnixMilli(at))
		want = append(want, fmt.Sprintf("a[%d,%d)=x@%d", i*5-3000, i*5-2999, i*5-3000))
	}
	saved := h.Snapshot()
	h.Restore(saved)
	h.Watermark(time.UnixMilli(7001))
	got := h.Take()
	require.True(t, slices.Equal(want, got), "%d panes, first %v", len(got), got[:min(3, len(got))])
}
