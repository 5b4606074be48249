// Package prom exposes jobs to Prometheus.
//
// A Collector reads the jobs when it is scraped: their counters as millrace_NAME_total, with the labels they have, and what Status tells as gauges, all with the
// label job_name, the Recorder's name. Totals of tasks, sinks and splits begin anew when a job restarts, as Prometheus expects of counters.
package prom

import (
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/progress"
	"github.com/millrace/millrace/watermark"
)

// Collector is a prometheus.Collector. Make it with New.
type Collector struct {
	jobs  []*progress.Recorder
	clock clock.Clock
}

// New makes a Collector of jobs, whose names differ.
func New(jobs ...*progress.Recorder) *Collector { return &Collector{jobs, clock.Real{}} }

// Describe sends nothing: which counters there are shows while jobs run.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	for _, r := range c.jobs {
		e := emitter{out, r.Name()}
		n := r.Now()
		status := r.Job().Status()
		e.counters(r.Job().Counters())
		e.job(n, status, c.clock.Now())
		e.splits(status.Splits)
		e.ledger(status.Ledger)
		e.tasks(n.Tasks, status.Tasks)
		e.sinks(status.Sinks)
	}
}

// emitter sends one job's metrics.
type emitter struct {
	out  chan<- prometheus.Metric
	name string // of the job
}

// desc describes a metric. labels alternate name and value.
func (e emitter) desc(name, help string, labels []string) (*prometheus.Desc, []string) {
	names, values := []string{"job_name"}, []string{e.name}
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, clean(labels[i])), append(values, labels[i+1])
	}
	return prometheus.NewDesc("millrace_"+clean(name), help, names, nil), values
}

func (e emitter) send(kind prometheus.ValueType, name, help string, v float64, labels ...string) {
	d, values := e.desc(name, help, labels)
	m, err := prometheus.NewConstMetric(d, kind, v, values...)
	if err != nil { // a counter of a user's function whose labels Prometheus does not take
		m = prometheus.NewInvalidMetric(d, err)
	}
	e.out <- m
}

func (e emitter) gauge(name, help string, v float64, labels ...string) {
	e.send(prometheus.GaugeValue, name, help, v, labels...)
}

func (e emitter) count(name, help string, v float64, labels ...string) {
	e.send(prometheus.CounterValue, name, help, v, labels...)
}

// clean makes a metric's or label's name of any text.
func clean(name string) string {
	return strings.Map(func(c rune) rune {
		if c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
			return c
		}
		return '_'
	}, name)
}

func (e emitter) counters(samples []stream.Sample) {
	for _, s := range samples {
		e.count(strings.TrimSuffix(s.Name, "_total")+"_total", "The job's counter "+s.Name+".", float64(s.Value), s.Labels...)
	}
}

func (e emitter) job(n progress.Now, status stream.Status, now time.Time) {
	for _, s := range []progress.State{progress.Waiting, progress.Running, progress.Finished, progress.Halted, progress.Broken} {
		e.gauge("job_state", "1 for the state the job is in.", flag(n.State == s), "state", string(s))
	}
	if status.Watermark != watermark.Min && status.Watermark != watermark.Max {
		e.gauge("watermark_seconds", "Event time up to which everything has been read, as Unix time.", float64(status.Watermark)/1000)
		e.gauge("watermark_lag_seconds", "Wall clock minus watermark.", float64(now.UnixMilli()-status.Watermark)/1000)
	}
	if l := status.Limit; l != nil {
		e.gauge("limit_events_per_second", "The rate limit in force, 0 for none.", l.Events)
		e.gauge("limit_bytes_per_second", "The rate limit in force, 0 for none.", l.Wanted.Bytes)
	}
	for _, g := range []struct {
		name, help string
		v          float64
	}{
		{"done_ratio", "Share of the positions to read that have been read.", n.Done},
		{"lag", "Positions still to read.", float64(n.Lag)},
		{"remaining_seconds", "Time to the end, or until caught up, at the present rate.", n.Remaining},
		{"live_events_per_second", "Growth of the log's ends.", n.LivePerSecond},
	} {
		if g.v >= 0 { // below: not known
			e.gauge(g.name, g.help, g.v)
		}
	}
}

func (e emitter) splits(splits []stream.SplitStatus) {
	for _, s := range splits {
		labels := []string{"operator", s.Operator, "split", s.ID}
		e.gauge("split_position", "Next position to read.", float64(s.Position), labels...)
		if s.LogEnd >= 0 {
			e.gauge("split_log_end", "Position after the last record of the log, when it was last read.", float64(s.LogEnd), labels...)
			e.gauge("split_lag", "Positions from the next to read to the log's end.", float64(max(0, s.LogEnd-s.Position)), labels...)
		}
		if s.Watermark != watermark.Min && s.Watermark != watermark.Max {
			e.gauge("split_watermark_seconds", "The split's event time, as Unix time.", float64(s.Watermark)/1000, labels...)
		}
		e.gauge("split_idle", "1 while the split does not hold event time back.", flag(s.Idle), labels...)
		e.gauge("split_paused", "1 while the split waits for slower ones.", flag(s.Paused), labels...)
		e.count("split_records_total", "Records read.", float64(s.Records), labels...)
		e.count("split_bytes_total", "Bytes read, keys and values.", float64(s.Bytes), labels...)
	}
}

func (e emitter) ledger(l stream.Ledger) {
	for _, s := range l {
		labels := []string{"operator", s.Operator, "split", s.Split}
		for _, n := range s.Named() {
			e.count("ledger_records_total", "Records by what became of them, as of the last checkpoint, since the job began.", float64(n.Count), append(labels, "class", n.Name)...)
		}
		e.gauge("ledger_difference", "Records that the ledger lacks: read and not ended. Anything but 0 is a fault.", float64(s.Difference()), labels...)
	}
}

func (e emitter) tasks(shares []progress.Task, tasks []stream.TaskStatus) {
	for _, t := range tasks {
		labels := []string{"operator", t.Operator, "subtask", strconv.Itoa(t.Subtask)}
		for _, a := range []struct {
			name  string
			spent time.Duration
		}{{"busy", t.Busy}, {"idle", t.Idle}, {"blocked", t.Blocked}, {"paused", t.Paused}} {
			e.count("task_seconds_total", "Time a task spent by what it did.", a.spent.Seconds(), append(labels, "activity", a.name)...)
		}
	}
	for _, t := range shares {
		e.gauge("task_busy_ratio", "Share of its time that a task was busy in the last seconds.", t.Busy, "operator", t.Operator, "subtask", strconv.Itoa(t.Subtask))
	}
}

func (e emitter) sinks(sinks []stream.SinkStatus) {
	for _, s := range sinks {
		labels := []string{"operator", s.Operator, "subtask", strconv.Itoa(s.Subtask)}
		e.count("sink_rows_total", "Rows written.", float64(s.Rows), labels...)
		e.count("sink_failures_total", "Writes that failed.", float64(s.Failures), labels...)
		buckets := map[float64]uint64{}
		var below uint64
		for i, bound := range stream.WriteBounds {
			below += uint64(s.Latency[i])
			buckets[bound.Seconds()] = below
		}
		d, values := e.desc("sink_write_seconds", "How long writes of a batch took that succeeded.", labels)
		e.out <- prometheus.MustNewConstHistogram(d, uint64(s.Writes), s.WriteTime.Seconds(), buckets, values...)
	}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
