package streamtest_test

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/codec"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/streamtest"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

type visit struct {
	User string
	At   time.Time
}

func userOf(v visit) string { return v.User }

// absence tells when a user has not come for an hour.
type absence struct{ last stream.ValueState[int64] }

func newAbsence() *absence { return &absence{} }

func (a *absence) Open(ctx *stream.OpenContext) error {
	a.last = stream.NewValue(ctx, "last", codec.Int64())
	return nil
}

func (a *absence) Process(ctx *stream.Context, in stream.Keyed[string, visit], _ *stream.Collector[string]) error {
	a.last.Set(in.Value.At.UnixMilli())
	ctx.SetEventTimer(in.Value.At.Add(time.Hour))
	return nil
}

func (a *absence) OnTimer(_ *stream.Context, in stream.Keyed[string, visit], at time.Time, out *stream.Collector[string]) error {
	if last, _ := a.last.Get(); at.Equal(time.UnixMilli(last).Add(time.Hour)) {
		out.Emit(in.Key + " left")
		a.last.Clear()
	}
	return nil
}

// A function with state and timers, through a crash.
func ExampleKeyed() {
	h := streamtest.Keyed(nil, userOf, stream.PerTask(newAbsence)) // in a test, t in place of nil
	defer h.Close()
	noon := time.Date(2024, 1, 4, 12, 0, 0, 0, time.UTC)
	h.Push(visit{"ann", noon}, noon)
	h.Push(visit{"bob", noon}, noon)
	h.Push(visit{"ann", noon.Add(time.Minute)}, noon.Add(time.Minute))
	saved := h.Snapshot()
	h.Watermark(noon.Add(time.Hour))
	fmt.Println(h.Take())
	h.Restore(saved)
	h.Watermark(noon.Add(2 * time.Hour))
	fmt.Println(h.Take())
	// Output:
	// [bob left]
	// [bob left ann left]
}

type count struct{}

func (count) Process(_ *stream.Context, p stream.Pane[string, visit], out *stream.Collector[string]) error {
	out.Emit(fmt.Sprintf("%s %d", p.Key, len(p.Elements)))
	return nil
}

// A function on windows: what is taken back, and what is late.
func ExampleWindowed() {
	h := streamtest.Windowed(nil, userOf, window.EventTimeSession(time.Hour), count{}, stream.AllowedLateness(time.Hour))
	defer h.Close()
	noon := time.Date(2024, 1, 4, 12, 0, 0, 0, time.UTC)
	push := func(user string, after time.Duration) { h.Push(visit{user, noon.Add(after)}, noon.Add(after)) }
	push("ann", 0)
	push("ann", 30*time.Minute)
	h.Watermark(noon.Add(2 * time.Hour))
	fmt.Println(h.Take())
	push("ann", 90*time.Minute)
	h.Watermark(noon.Add(5 * time.Hour))
	for _, row := range h.TakeRows() {
		fmt.Println(row.Op, row.Value, time.UnixMilli(row.Timestamp).UTC().Format("15:04:05.000"))
	}
	push("ann", 0)
	fmt.Println(len(h.TakeLate()), "late")
	// Output:
	// [ann 2]
	// 1 ann 2 13:29:59.999
	// 0 ann 3 14:29:59.999
	// 1 late
}

// A piece of a graph with several outputs.
func ExampleNew() {
	var odd streamtest.Recorder[int]
	h := streamtest.New(nil, func(in stream.DataStream[int]) stream.DataStream[int] {
		stream.To(stream.Filter(in, func(n int) bool { return n%2 == 1 }), "odd", &odd)
		return stream.Map(in, func(n int) int { return n * n })
	})
	defer h.Close()
	for n := range 4 {
		h.Push(n, time.UnixMilli(0))
	}
	fmt.Println(h.Take(), odd.Take())
	// Output: [0 1 4 9] [1 3]
}

// A whole job, from memory to memory.
func ExampleRun() {
	clock := streamtest.NewClock(time.Date(2024, 1, 4, 0, 0, 0, 0, time.UTC))
	var hours sinkmemory.List[string]
	job := stream.NewJob("visits", clock.Option())
	noon := clock.Now().Add(12 * time.Hour)
	visits := stream.From(job, "visits", memory.Of(visit{"ann", noon}, visit{"bob", noon}, visit{"ann", noon.Add(time.Hour)}).WithCodec(codec.JSON[visit](1)),
		watermark.Monotonous(func(v visit) time.Time { return v.At }))
	hourly := stream.Window(stream.KeyBy(visits, userOf), window.Tumbling(time.Hour))
	stream.To(stream.Process(hourly, "count", count{}), "hours", &hours)
	streamtest.Run(nil, job)
	fmt.Println(hours.Rows())
	// Output: [ann 1 bob 1 ann 1]
}
