package stream_test

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/sink/print"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// sale is a record of the examples of provenance.
type sale struct {
	Shop   string
	Minute int64
	Cents  int64
}

func saleTime(s sale) time.Time { return time.Unix(60*s.Minute, 0) }
func shopOf(s sale) string      { return s.Shop }

func sales() *memory.Source[sale] {
	return memory.Of(sale{"north", 1, 500}, sale{"south", 2, 100}, sale{"north", 3, 250}, sale{"north", 70, 900}, sale{"north", 5, 1}).WithName("sales").WithCodec(codec.JSON[sale](1))
}

// turnover is the sum of an hour's sales, with where it comes from.
type turnover struct{}

func (turnover) New() int64                                     { return 0 }
func (turnover) Add(sum int64, s sale) int64                    { return sum + s.Cents }
func (turnover) Merge(a, b int64) int64                         { return a + b }
func (turnover) Result(string, window.TimeWindow, int64) string { return "" }

// ResultOf is called in place of Result: it sees the context and the ranges.
func (turnover) ResultOf(ctx *stream.Context, w stream.Aggregated[string, int64]) string {
	return fmt.Sprintf("%s %d: %d records of %s, job %s, id %s", w.Key, w.Value, w.From[0].Count, w.From, ctx.Version(), ctx.ResultID()[:8])
}

func ExampleProvenance() {
	job := stream.NewJob("turnover", stream.Version("v2"))
	in := stream.From(job, "sales", sales(), watermark.BoundedOutOfOrderness(time.Minute, saleTime))
	hours := stream.Window(stream.KeyBy(in, shopOf), window.Tumbling(time.Hour), stream.Provenance())
	stream.To(stream.Aggregate(hours, "turnover", turnover{}), "out", print.Values[string]())
	if err := job.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// north 750: 2 records of sales/0:0-2, job v2, id a86f67be
	// south 100: 1 records of sales/0:1, job v2, id 0b5a90fc
	// north 900: 1 records of sales/0:3, job v2, id 976259e3
}

func ExampleTrace() {
	tell := func(e stream.TraceEvent) {
		switch e.Kind {
		case stream.TraceLate:
			fmt.Printf("%s at %s offset %d: %v past the end of %s\n", e.Kind, e.Split, e.Offset, time.Duration(e.Watermark-e.ClosesAt+1)*time.Millisecond, e.Window)
		case stream.TraceFired:
			fmt.Printf("%s %s of %d records, by offset %d\n", e.Kind, e.Window, e.Records, e.Offset)
		case stream.TraceOpened, stream.TraceAdded:
			fmt.Printf("%s %s at offset %d\n", e.Kind, e.Window, e.Offset)
		}
	}
	job := stream.NewJob("turnover", stream.Trace([]string{"north"}, tell))
	in := stream.From(job, "sales", sales(), watermark.BoundedOutOfOrderness(time.Minute, saleTime))
	hours := stream.Window(stream.KeyByPartition(in, shopOf), window.Tumbling(time.Hour))
	stream.To(stream.Aggregate(hours, "turnover", sumCents{}), "out", print.Values[int64](print.To(discard{})))
	if err := job.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// opened [0,3600000) at offset 0
	// added [0,3600000) at offset 2
	// opened [3600000,7200000) at offset 3
	// fired [0,3600000) of 2 records, by offset 3
	// late at sales/0 offset 4: 9m0.001s past the end of [0,3600000)
	// fired [3600000,7200000) of 1 records, by offset 0
}

// sumCents is a sum alone.
type sumCents struct{}

func (sumCents) New() int64                                            { return 0 }
func (sumCents) Add(sum int64, s sale) int64                           { return sum + s.Cents }
func (sumCents) Merge(a, b int64) int64                                { return a + b }
func (sumCents) Result(_ string, _ window.TimeWindow, sum int64) int64 { return sum }

// discard is a writer to nowhere.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
