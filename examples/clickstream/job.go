package main

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// Definition is what the job's results depend on. A group keeps the definition it began with.
type Definition struct {
	Gap            time.Duration // events of a user at most so far apart are one session
	OutOfOrderness time.Duration // how far the clicks may be out of order
	Lateness       time.Duration // how long a finished session still takes clicks that come later than that
	LocalKeys      bool          // each partition is one task, which works because a click's user decides its partition
	Provenance     bool          // sessions say where in the log they come from; it does not change them
}

// timeFlags adds the flags of event time.
func (d *Definition) timeFlags(f *pflag.FlagSet) {
	f.DurationVar(&d.Gap, "gap", 30*time.Minute, "a session ends when its user does nothing for longer")
	f.DurationVar(&d.OutOfOrderness, "out-of-orderness", time.Minute, "how far clicks may be out of order")
	f.DurationVar(&d.Lateness, "lateness", 0, "how long a finished session still takes clicks that come later")
}

func (d *Definition) check() error {
	if d.Gap <= 0 || d.OutOfOrderness < 0 || d.Lateness < 0 {
		return fmt.Errorf("--gap %s must be above zero, --out-of-orderness %s and --lateness %s not below", d.Gap, d.OutOfOrderness, d.Lateness)
	}
	return nil
}

// Outputs are where the results go. Late may be nil.
type Outputs struct {
	Sessions sink.Sink[Session]
	Metrics  sink.Sink[HourMetrics]
	Late     sink.Sink[LateClick]
}

// jobName is part of the state that the job leaves.
const jobName = "session-analytics"

// analyze adds the whole graph to a job: clicks to sessions, sessions to hourly metrics.
func analyze(job *stream.Job, clicks source.Source[*pb.ClickEvent], def Definition, to Outputs) {
	events := stream.From(job, "clicks", clicks, watermark.BoundedOutOfOrderness(def.OutOfOrderness, eventTime))
	byUser := keyByUser(events, def.LocalKeys)
	sessions := stream.Window(byUser, window.EventTimeSession(def.Gap), def.windowOptions()...)
	analytics := stream.Process(sessions, "session-analytics", SessionAnalytics{})
	stream.To(analytics, "sessions", to.Sessions)

	hours := stream.Window(stream.All(analytics), window.Tumbling(time.Hour), stream.AllowedLateness(def.Lateness))
	metrics := stream.Aggregate(hours, "session-metrics", HourlyMetrics{def.Provenance})
	stream.To(metrics, "metrics", to.Metrics)

	if to.Late != nil {
		stream.To(stream.Process(stream.Late(sessions), "late-clicks", LateClicks{}), "late", to.Late)
	}
}

// keyByUser keys the clicks in place, or by an exchange that spreads users over tasks whatever the partitions are. Either way a user's clicks come from one
// partition, as produce writes them.
func keyByUser(events stream.DataStream[*pb.ClickEvent], local bool) stream.KeyedStream[string, *pb.ClickEvent] {
	if local {
		return stream.KeyByPartition(events, (*pb.ClickEvent).GetUserId)
	}
	return stream.KeyBy(events, (*pb.ClickEvent).GetUserId, stream.OneSplitPerKey())
}

func eventTime(e *pb.ClickEvent) time.Time { return time.UnixMilli(e.GetEventTimestamp()) }
