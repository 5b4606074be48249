package streamtest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/streamtest"
	"github.com/millrace/millrace/window"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func at(ms int64) time.Time { return time.UnixMilli(ms) }

var errRefused = errors.New("refused")

var shouts = stream.NewTag[string]("shouts")

// pinger answers each record a second of processing time later.
type pinger struct{ words stream.ListState[string] }

func (p *pinger) Open(ctx *stream.OpenContext) error {
	p.words = stream.NewList(ctx, "words", codec.String())
	return nil
}

func (p *pinger) Process(ctx *stream.Context, in stream.Keyed[string, string], _ *stream.Collector[string]) error {
	if in.Value == "bad" {
		return errRefused
	}
	p.words.Add(in.Value)
	ctx.SetProcessingTimer(ctx.ProcessingTime().Add(time.Second))
	return stream.EmitTo(ctx, shouts, strings.ToUpper(in.Value))
}

func (p *pinger) OnTimer(_ *stream.Context, in stream.Keyed[string, string], _ time.Time, out *stream.Collector[string]) error {
	out.Emit(in.Key + ":" + strings.Join(p.words.All(), ","))
	p.words.Clear()
	return nil
}

func newPinger(t testing.TB) *streamtest.Harness[string, string] {
	return streamtest.Keyed(t, func(s string) string { return s[:1] }, stream.PerTask(func() *pinger { return &pinger{} }))
}

func TestProcessingTimeAndSides(t *testing.T) {
	h := newPinger(t)
	side := streamtest.Side(h, shouts)
	h.Push("ab", at(0))
	h.AdvanceTime(500 * time.Millisecond)
	require.Equal(t, streamtest.Start.Add(500*time.Millisecond), h.Now())
	h.Push("ac", at(0))
	require.Equal(t, []string{"AB", "AC"}, side.Take())
	require.Empty(t, h.Take())
	saved := h.Snapshot()
	h.AdvanceTime(500 * time.Millisecond)
	require.Equal(t, []string{"a:ab,ac"}, h.Take())
	h.Restore(saved) // processing time is not taken back: what was due fires
	h.AdvanceTime(0)
	require.Equal(t, []string{"a:ab,ac"}, h.Take())
	require.Empty(t, side.Take())
}

func TestPushFails(t *testing.T) {
	h := newPinger(t)
	h.Push("ok", at(0))
	saved := h.Snapshot()
	err := h.PushFails("bad", at(0))
	require.ErrorIs(t, err, errRefused)
	var op *stream.OperatorError
	require.ErrorAs(t, err, &op)
	require.Equal(t, "function", op.Operator)
	require.Equal(t, int64(1), op.Offset)
	h.Restore(saved)
	h.AdvanceTime(time.Minute)
	require.Equal(t, []string{"o:ok"}, h.Take())
}

// Restoring into another harness is how a new version of a function is tried on the state of the old.
func TestRestoreIntoAnother(t *testing.T) {
	first := newPinger(t)
	first.Push("ab", at(0))
	second := newPinger(t)
	second.Restore(first.Snapshot())
	second.Push("ac", at(0))
	second.AdvanceTime(time.Second)
	require.Equal(t, []string{"a:ab,ac"}, second.Take())
	first.End()
	require.Equal(t, []string{"a:ab"}, first.Take(), "the end fires processing time")
	require.Empty(t, first.Take(), "an ended harness can still be asked")
}

// A graph with an exchange and two stages is complete when Take returns, and no sooner.
func TestStages(t *testing.T) {
	h := streamtest.New(t, func(in stream.DataStream[int]) stream.DataStream[int] {
		small := stream.Window(stream.KeyBy(in, func(n int) int { return n % 3 }), window.Tumbling(10*time.Millisecond))
		sums := stream.Reduce(small, "sums", func(a, b int) int { return a + b }, stream.Parallelism(4))
		return stream.Reduce(stream.Window(stream.All(sums), window.Tumbling(20*time.Millisecond)), "total", func(a, b int) int { return a + b })
	})
	for n := range 40 {
		h.Push(1, at(int64(n)))
	}
	h.Watermark(at(19))
	require.Equal(t, []sink.Row[int]{{Value: 20, Timestamp: 19}}, h.TakeRows())
	saved := h.Snapshot()
	h.Watermark(at(39))
	require.Equal(t, []int{20}, h.Take())
	h.Restore(saved)
	h.Push(1, at(20))
	h.End()
	require.Equal(t, []int{21}, h.Take())
}

// fake records what a harness does to its test.
type fake struct {
	testing.TB
	failure string
}

func (f *fake) Helper()        {}
func (f *fake) Cleanup(func()) {}
func (f *fake) Fatalf(format string, _ ...any) {
	f.failure = format
	panic(f)
}

func TestFailuresFailTheTest(t *testing.T) {
	f := &fake{TB: t}
	h := newPinger(f)
	require.Panics(t, func() {
		h.Push("bad", at(0))
		h.Take()
	})
	require.NotEmpty(t, f.failure)
	h.Close()
	good := newPinger(f)
	require.Panics(t, func() { good.PushFails("ok", at(0)) })
	require.Panics(t, func() { streamtest.Side(good, shouts) }, "too late")
	require.Panics(t, func() { good.TakeLate() }, "no windows")
	good.Close()
}
