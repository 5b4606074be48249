package stream_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/sink/print"
	sourcememory "github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// A click of the examples: at so many seconds after the epoch.
type click struct {
	User string
	Page string
	At   int64
}

func clickTime(c click) time.Time { return time.Unix(c.At, 0) }
func clickUser(c click) string    { return c.User }

// inOrder expects clicks at most ten seconds out of order.
func inOrder() watermark.Strategy[click] {
	return watermark.BoundedOutOfOrderness(10*time.Second, clickTime)
}

func newExample(opts ...stream.JobOption) *stream.Job {
	return stream.NewJob("example", append(opts, stream.Logger(slog.New(slog.DiscardHandler)))...)
}

func clicksFrom(job *stream.Job, clicks ...click) stream.DataStream[click] {
	src := sourcememory.Of(clicks...).WithCodec(codec.JSON[click](1))
	return stream.From(job, "clicks", src, inOrder())
}

func runExample(job *stream.Job) {
	if err := job.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
}

// A visit is a session's summary.
type visit struct {
	User   string
	Clicks int
	Length time.Duration
}

// summarize makes a visit of a session. It has no state, so all tasks share it.
type summarize struct{}

func (summarize) Process(_ *stream.Context, p stream.Pane[string, click], out *stream.Collector[visit]) error {
	first, last := p.Elements[0].At, p.Elements[0].At
	for _, c := range p.Elements {
		first, last = min(first, c.At), max(last, c.At)
	}
	out.Emit(visit{p.Key, len(p.Elements), time.Duration(last-first) * time.Second})
	return nil
}

// Sessions of each user's clicks, thirty minutes apart: from a source, keyed, in windows, through a function, to a sink.
func Example() {
	job := newExample()
	clicks := clicksFrom(job,
		click{"ada", "/", 0}, click{"bob", "/", 30}, click{"ada", "/cart", 90}, click{"ada", "/", 2000})
	byUser := stream.KeyBy(clicks, clickUser)
	sessions := stream.Window(byUser, window.EventTimeSession(30*time.Minute))
	visits := stream.Process(sessions, "visits", summarize{})
	stream.To(visits, "out", print.Values[visit]())
	runExample(job)
	// Output:
	// {User:bob Clicks:1 Length:0s}
	// {User:ada Clicks:2 Length:1m30s}
	// {User:ada Clicks:1 Length:0s}
}

func ExampleMap() {
	job := newExample()
	pages := stream.Map(clicksFrom(job, click{"ada", "/", 0}, click{"ada", "/cart", 1}), func(c click) string { return c.Page })
	stream.To(pages, "out", print.Values[string]())
	runExample(job)
	// Output:
	// /
	// /cart
}

// An error names the operator and the record.
func ExampleTryMap() {
	job := newExample()
	words := stream.From(job, "words", sourcememory.Of("1", "2", "three"), watermark.Strategy[string]{})
	numbers := stream.TryMap(words, strconv.Atoi, stream.Name("parse"))
	stream.To(numbers, "out", &memory.List[int]{})
	runExample(job)
	// Output: job "example": operator "parse" subtask 0 at memory/0 offset 2: strconv.Atoi: parsing "three": invalid syntax
}

func ExampleFilter() {
	job := newExample()
	carts := stream.Filter(clicksFrom(job, click{"ada", "/", 0}, click{"bob", "/cart", 1}), func(c click) bool { return c.Page == "/cart" })
	stream.To(carts, "out", print.Values[click]())
	runExample(job)
	// Output: {User:bob Page:/cart At:1}
}

func ExampleFlatMap() {
	job := newExample()
	lines := stream.From(job, "lines", sourcememory.Of("to be", "or not"), watermark.Strategy[string]{})
	words := stream.FlatMap(lines, func(line string, emit func(string)) {
		for word := range strings.FieldsSeq(line) {
			emit(word)
		}
	})
	stream.To(words, "out", print.Values[string]())
	runExample(job)
	// Output:
	// to
	// be
	// or
	// not
}

// visitCount counts clicks in an int, so a window holds a number and not its records.
type visitCount struct{}

func (visitCount) New() int                   { return 0 }
func (visitCount) Add(n int, _ click) int     { return n + 1 }
func (visitCount) Merge(a, b int) int         { return a + b }
func (visitCount) Retract(n int, _ click) int { return n - 1 }
func (visitCount) Result(user string, w window.TimeWindow, n int) string {
	return fmt.Sprintf("%s clicked %d times in minute %d", user, n, w.Start/60_000)
}

func ExampleAggregate() {
	job := newExample()
	byUser := stream.KeyBy(clicksFrom(job, click{"ada", "/", 1}, click{"ada", "/", 59}, click{"bob", "/", 60}, click{"ada", "/", 61}), clickUser)
	minutes := stream.Window(byUser, window.Tumbling(time.Minute))
	stream.To(stream.Aggregate(minutes, "counts", visitCount{}), "out", print.Values[string]())
	runExample(job)
	// Output:
	// ada clicked 2 times in minute 0
	// ada clicked 1 times in minute 1
	// bob clicked 1 times in minute 1
}

// The last click of each user in each hour.
func ExampleReduce() {
	job := newExample()
	byUser := stream.KeyBy(clicksFrom(job, click{"ada", "/", 5}, click{"ada", "/cart", 3}, click{"ada", "/pay", 9}), clickUser)
	hours := stream.Window(byUser, window.Tumbling(time.Hour))
	latest := stream.Reduce(hours, "latest", func(a, b click) click {
		if b.At >= a.At {
			return b
		}
		return a
	})
	stream.To(latest, "out", print.Values[click]())
	runExample(job)
	// Output: {User:ada Page:/pay At:9}
}

// Where the producer chose the partition by the key, no exchange is needed: each partition is one task, from the source to the sink.
func ExampleKeyByPartition() {
	partitions := make([][]click, 2)
	for _, c := range []click{{"ada", "/", 0}, {"bob", "/", 1}, {"cyd", "/", 2}, {"ada", "/", 3}} {
		p := stream.Murmur2.Partition([]byte(c.User), 2)
		partitions[p] = append(partitions[p], c)
	}
	job := newExample()
	src := sourcememory.Splits(partitions).WithCodec(codec.JSON[click](1))
	byUser := stream.KeyByPartition(stream.From(job, "clicks", src, inOrder()), clickUser)
	stream.Process(stream.Window(byUser, window.EventTimeSession(time.Hour)), "visits", summarize{})
	plan, err := job.Plan()
	if err != nil {
		fmt.Println(err)
	}
	fmt.Print(plan)
	// Output:
	// job "example", state in memory
	//
	// stage "clicks", one task per split
	//   source "clicks": memory name=memory splits=2; bounded out-of-orderness 10s
	//     process "visits": session gap 1h0m0s (partition-local)
}

// What comes after its window was closed goes to Late. Here time is at 90 s, less ten seconds of disorder, when the click of second 3 arrives.
func ExampleLate() {
	job := newExample()
	byUser := stream.KeyBy(clicksFrom(job, click{"ada", "/", 1}, click{"bob", "/", 90}, click{"ada", "/late", 3}), clickUser)
	minutes := stream.Window(byUser, window.Tumbling(time.Minute))
	stream.To(stream.Aggregate(minutes, "counts", visitCount{}), "out", &memory.List[string]{})
	stream.To(stream.Late(minutes), "late", print.Values[click]())
	runExample(job)
	fmt.Println("late:", job.Count("late"))
	// Output:
	// {User:ada Page:/late At:3}
	// late: 1
}

// With an allowed lateness the late click still counts: the window is emitted again, and its earlier result is taken back.
func ExampleAllowedLateness() {
	job := newExample()
	byUser := stream.KeyByPartition(clicksFrom(job, click{"ada", "/", 1}, click{"bob", "/", 90}, click{"ada", "/late", 3}), clickUser)
	minutes := stream.Window(byUser, window.Tumbling(time.Minute), stream.AllowedLateness(time.Hour))
	stream.To(stream.Aggregate(minutes, "counts", visitCount{}), "out", print.Values[string]())
	runExample(job)
	// Output:
	// ada clicked 1 times in minute 0
	// deleted: ada clicked 1 times in minute 0
	// ada clicked 2 times in minute 0
	// bob clicked 1 times in minute 1
}

var payments = stream.NewTag[string]("payments")

// watchPayments lets clicks pass and reports payments beside them.
type watchPayments struct{}

func (watchPayments) Process(ctx *stream.Context, c click, out *stream.Collector[click]) error {
	out.Emit(c)
	if c.Page == "/pay" {
		return stream.EmitTo(ctx, payments, c.User+" pays")
	}
	return nil
}

func ExampleSideOutput() {
	job := newExample()
	clicks := stream.Process(clicksFrom(job, click{"ada", "/", 0}, click{"ada", "/pay", 1}), "watch", watchPayments{})
	stream.To(clicks, "out", &memory.List[click]{})
	stream.To(stream.SideOutput(clicks, payments), "payments", print.Values[string]())
	runExample(job)
	// Output: ada pays
}

// Time in a union is the slower of its streams.
func ExampleUnion() {
	job := newExample()
	web := stream.From(job, "web", sourcememory.Of(click{"ada", "/", 0}).WithCodec(codec.JSON[click](1)), inOrder())
	app := stream.From(job, "app", sourcememory.Of(click{"ada", "/pay", 5}).WithCodec(codec.JSON[click](1)), inOrder())
	sessions := stream.Window(stream.KeyBy(stream.Union(web, app), clickUser), window.EventTimeSession(time.Minute))
	stream.To(stream.Process(sessions, "visits", summarize{}), "out", print.Values[visit]())
	runExample(job)
	// Output: {User:ada Clicks:2 Length:5s}
}

// Lines are parsed first; then their event time is known.
func ExampleAssignTimestamps() {
	job := newExample()
	lines := stream.From(job, "lines", sourcememory.Of("3 ada", "70 ada"), watermark.Strategy[string]{})
	clicks := stream.TryMap(lines, func(line string) (c click, err error) {
		_, err = fmt.Sscan(line, &c.At, &c.User)
		return c, err
	})
	timed := stream.AssignTimestamps(clicks, inOrder())
	minutes := stream.Window(stream.KeyBy(timed, clickUser), window.Tumbling(time.Minute))
	stream.To(stream.Aggregate(minutes, "counts", visitCount{}), "out", print.Values[string]())
	runExample(job)
	// Output:
	// ada clicked 1 times in minute 0
	// ada clicked 1 times in minute 1
}

// silence reports users who have not clicked for a minute. It has state and timers, so each task makes its own by PerTask.
type silence struct{ last stream.ValueState[int64] }

func (s *silence) Open(ctx *stream.OpenContext) error {
	s.last = stream.NewValue(ctx, "last", codec.Int64())
	return nil
}

func (s *silence) Process(ctx *stream.Context, in stream.Keyed[string, click], _ *stream.Collector[string]) error {
	last, _ := s.last.Get()
	s.last.Set(max(last, in.Value.At))
	ctx.SetEventTimer(clickTime(in.Value).Add(time.Minute))
	return nil
}

func (s *silence) OnTimer(_ *stream.Context, in stream.Keyed[string, click], at time.Time, out *stream.Collector[string]) error {
	if last, ok := s.last.Get(); ok && at.Unix() == last+60 {
		out.Emit(fmt.Sprintf("%s is silent since second %d", in.Key, last))
		s.last.Clear()
	}
	return nil
}

// All of a user's clicks come from one split. Declared so, a user's timers that are due fire before the user's next click, whatever the timing.
func ExampleProcess() {
	job := newExample()
	clicks := clicksFrom(job, click{"ada", "/", 0}, click{"bob", "/", 10}, click{"ada", "/", 50}, click{"ada", "/", 90}, click{"bob", "/", 200})
	byUser := stream.KeyBy(clicks, clickUser, stream.OneSplitPerKey())
	silent := stream.Process(byUser, "silence", stream.PerTask(func() *silence { return &silence{} }))
	stream.To(silent, "out", print.Values[string]())
	runExample(job)
	// Output:
	// bob is silent since second 10
	// ada is silent since second 90
	// bob is silent since second 200
}

// A table keeps the newest row of each key.
func ExampleTo() {
	job := newExample()
	table := memory.NewTable(func(c click) string { return c.User })
	stream.To(clicksFrom(job, click{"ada", "/", 0}, click{"bob", "/", 1}, click{"ada", "/pay", 2}), "latest", table)
	runExample(job)
	fmt.Println(table.Rows())
	// Output: [{ada /pay 2} {bob / 1}]
}

// The plan shows stages, what is fused in them, and the exchanges between them.
func ExampleJob_Plan() {
	job := newExample(stream.DefaultParallelism(2))
	sessions := stream.Window(stream.KeyBy(clicksFrom(job), clickUser), window.EventTimeSession(30*time.Minute))
	stream.To(stream.Process(sessions, "visits", summarize{}), "out", print.Values[visit]())
	plan, err := job.Plan()
	if err != nil {
		fmt.Println(err)
	}
	fmt.Print(plan)
	// Output:
	// job "example", state in memory
	//
	// stage "clicks", one task per split
	//   source "clicks": memory name=memory splits=1; bounded out-of-orderness 10s
	//
	// <- hash from "clicks"
	// stage "visits", 2 tasks
	//   process "visits": session gap 30m0s
	//     sink "out": print
}

// All that is wrong with a job is reported at once.
func ExampleLedger() {
	job := newExample()
	clicks := clicksFrom(job,
		click{"ann", "/home", 0}, click{"bot", "/robots.txt", 10}, click{"ann", "/shop", 100}, click{"bob", "/home", 50}, click{"bob", "/shop", 95})
	people := stream.Filter(clicks, func(c click) bool { return c.User != "bot" })
	windows := stream.Window(stream.KeyBy(people, clickUser), window.Tumbling(time.Minute))
	stream.To(stream.Process(windows, "visits", summarize{}), "table", &memory.List[visit]{})
	runExample(job)

	ledger := job.Status().Ledger
	fmt.Println(ledger.Total())
	fmt.Println("lost:", ledger.Total().Difference())
	// Output:
	// 5 in = 3 used + 1 late + 1 filtered
	// lost: 0
}

func ExampleJob_Run_mistakes() {
	job := newExample(stream.CheckpointEvery(0))
	minutes := stream.Window(stream.KeyBy(clicksFrom(job), clickUser), window.Tumbling(0))
	stream.To(stream.Aggregate(minutes, "counts", visitCount{}), "out", &memory.List[string]{})
	runExample(job)
	// Output:
	// job "example": source "clicks": window size of 0s: want a whole number of milliseconds, at least 1ms
	// CheckpointEvery: 0s is not a time between checkpoints
}
