package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
)

// A target is what is asked of a figure, by what the peers and hand-written loops do.
type target struct {
	what        string
	must, reach float64 // reach is 0 where nothing beyond is asked for
	least       bool    // they are lower bounds, else upper ones
	of          func(m medians) (float64, bool)
	obstacle    string // what stands between the figure and reach, by profile; "" where nothing was looked for
}

func (t target) hindered(by string) target {
	t.obstacle = by
	return t
}

// What profiles say.
const (
	aliasedCosts = "38 % of an event's time is decoding, a third of that its map, which generated code makes anew for each message (two allocations); 39 % is the window operator with its timers, 9 % the " +
		"socket, checksums and where records lie, 4 % the collector and its sweeping."
	reusedCosts = "31 % of an event's time is decoding, a fifth of that to empty the message's map, and 43 % the window operator with its timers, of which a third are misses of the cache at a key's slot, " +
		"entry and session, one after the other; 14 % are the socket, checksums and where records lie."
	handCosts     = "the window operator takes about 0.2 µs to put an event into its session and 0.1 to fire what is due, the loop 0.15 to 0.2 for both: it has no watermarks, timers or positions, and the sessions of one split at a time in its caches, not those of four."
	exchangeCosts = "17 ns of an event in an exchange are its key's group, 10 its place in a batch, and 30 that the message has left the nearest caches when the task behind reads its key; what is left is that each of two tasks has the entries and timers of all splits in its caches, not those of one."
	pauseCosts    = "a stop encodes a slice of the state: 60 % of its time is to put what was encoded into the checkpoint's batch, 30 % the encoding; a sixth of all of it are write barriers, as the collector marks gigabytes on the same two cores meanwhile."
	memoryCosts   = "Pebble is less than 1 % of the profile; the rest is within the spread."
	largeCosts    = "half of the processor's time are look-ups, 9 µs each: filters of three levels, then a block of 4 KB that is read, checked, unpacked and put into the cache. A fifth is compaction, and a tenth of two cores is idle."
	crossCosts    = "half of the events come from the other core's cache, and so do parts of the state, as tasks move between cores: 0.65 µs an event where the cores have a cache in common and a line takes 75 ns to the other and back, 0.8 where they have not and it takes 360. To fetch ahead the messages of the next events of a batch costs more than it brings; their keys' entries are fetched ahead."
	scaleCosts    = "an event takes up to a tenth more processor time where both cores work (the table below): a third of that is Go's allocator, whose lists of spans both cores change for the decoder's messages, a fifth the writes to new memory as they are decoded; the cores share a cache and the way to memory."
)

// medians are of what was measured, by part.
type medians map[string][]Sample

// medians reads what was measured.
func (r results) medians() (medians, error) {
	m := medians{}
	for _, p := range parts() {
		samples, err := r.read(p.name)
		if err != nil {
			return nil, err
		}
		m[p.name] = samples
	}
	return m, nil
}

// together are the samples of several runs, one after the other.
func together(runs []medians) medians {
	all := medians{}
	for _, run := range runs {
		for part, samples := range run {
			all[part] = append(all[part], samples...)
		}
	}
	return all
}

// figure is a median itself.
func figure(part, variant, column string) func(medians) (float64, bool) {
	return func(m medians) (float64, bool) { return median(m.column(part, variant, column)) }
}

// column is what a variant's runs have in a column.
func (m medians) column(part, variant, column string) []float64 {
	return values(of(m[part], variant), column)
}

// pairs is what two variants' runs of the same turn give together: a machine that is slow for some minutes is slow for both. Where they did not run equally often, it is that
// of their medians alone.
func pairs(as, bs []float64, both func(a, b float64) float64) (all []float64) {
	if len(as) == 0 || len(bs) == 0 {
		return nil
	}
	if len(as) != len(bs) {
		return []float64{both(middle(as), middle(bs))}
	}
	for i := range as {
		all = append(all, both(as[i], bs[i]))
	}
	return all
}

func quotient(a, b float64) float64 { return a / b }

func median(all []float64) (float64, bool) {
	if len(all) == 0 {
		return 0, false
	}
	return middle(all), true
}

// times is how many times one variant is another.
func times(part, variant, per, column string) func(medians) (float64, bool) {
	return func(m medians) (float64, bool) {
		return median(pairs(m.column(part, variant, column), m.column(part, per, column), quotient))
	}
}

// beyond is the difference of two variants, in thousandths.
func beyond(part, variant, less, column string) func(medians) (float64, bool) {
	return func(m medians) (float64, bool) {
		return median(pairs(m.column(part, variant, column), m.column(part, less, column), func(a, b float64) float64 { return (a - b) * 1000 }))
	}
}

// secondCore is how many times as fast something is on two cores.
func secondCore(what string) func(medians) (float64, bool) {
	return func(m medians) (float64, bool) { return median(m.secondCore(what)) }
}

func (m medians) secondCore(what string) []float64 {
	return pairs(m.column("scaling", onCores(what, 2), colRate), m.column("scaling", onCores(what, 1), colRate), quotient)
}

// beside is the same beside what two cores bring something else: 1 is all that there is to be had.
func beside(what, other string) func(medians) (float64, bool) {
	return func(m medians) (float64, bool) {
		return median(pairs(m.secondCore(what), m.secondCore(other), quotient))
	}
}

const (
	inPlace      = "Millrace, in place, Pebble, aliased"
	reused       = "Millrace, in place, Pebble, reused"
	flinkHeap    = "Flink, heap"
	flinkRocks   = "Flink, RocksDB"
	flinkFilters = "Flink, RocksDB with filters"
)

// targets are in the order of the report.
func targets() []target {
	lower := func(what string, must, reach float64, of func(medians) (float64, bool)) target {
		return target{what: what, must: must, reach: reach, least: true, of: of}
	}
	upper := func(what string, must, reach float64, of func(medians) (float64, bool)) target {
		return target{what: what, must: must, reach: reach, of: of}
	}
	return []target{
		lower("events/s, times those of Flink with heap state: aliased", 5, 8, times("clickstream", inPlace, flinkHeap, colRate)).hindered(aliasedCosts),
		lower("the same, reused", 7.5, 10, times("clickstream", reused, flinkHeap, colRate)).hindered(reusedCosts),
		lower("events/s, times those of Flink with RocksDB: aliased", 20, 35, times("clickstream", inPlace, flinkRocks, colRate)).hindered(aliasedCosts),
		upper("CPU µs/event from Kafka, in place: aliased", 1.2, 0.9, figure("clickstream", inPlace, colCPU)).hindered(aliasedCosts),
		upper("the same, reused", 0.8, 0.5, figure("clickstream", reused, colCPU)).hindered(reusedCosts),
		lower("Flink's CPU per event, times ours: aliased", 7.4/1.2, 7.4/0.9, times("clickstream", flinkHeap, inPlace, colCPU)).hindered(aliasedCosts),
		lower("the same, reused", 7.4/0.8, 7.4/0.5, times("clickstream", flinkHeap, reused, colCPU)).hindered(reusedCosts),
		upper("engine's own share, ns CPU/event: in place", 150, 80, beyond("hand", reused, "by hand, reused", colCPU)).hindered(handCosts),
		upper("the same, of an exchange", 150, 60, beyond("hand", "Millrace, exchange, Pebble, aliased", inPlace, colCPU)).hindered(exchangeCosts),
		upper("CPU, times that of the loop by hand: aliased", 1.3, 1.15, times("hand", inPlace, "by hand, aliased", colCPU)).hindered(handCosts),
		upper("the same, reused", 1.3, 1.15, times("hand", reused, "by hand, reused", colCPU)).hindered(handCosts),
		lower("events/s with Pebble, times those with state in memory", 0.8, 0.95, times("clickstream", inPlace, "Millrace, in place, memory, aliased", colRate)).hindered(memoryCosts),
		lower("updates/s with state four times its memory, times Flink's with RocksDB as it is by default", 2, 5, times("large", "Millrace, Pebble", flinkRocks, "updates/s")).hindered(largeCosts),
		lower("Flink's peak memory, times ours", 10, 20, times("clickstream", flinkHeap, inPlace, colPeak)),
		upper("ms from start to first result", 100, 0, figure("restart", "Millrace, start", colFirst)),
		upper("ms from restart after kill -9 with a gigabyte of state to first result", 2000, 0, figure("restart", "Millrace, restart after kill -9", colFirst)),
		upper("latency through an exchange at 20,000/s, ms: p50", 1, 0.2, figure("latency", "Millrace", "p50 ms")),
		upper("the same, p99", 5, 1, figure("latency", "Millrace", "p99 ms")),
		upper("the same, p99.9", 10, 3, figure("latency", "Millrace", "p99.9 ms")),
		upper("pause by a checkpoint, 10 M keys, in place, p99 µs", 10_000, 1000, figure("pauses", "Millrace, in place, 10 M keys", "pause-p99 us")).hindered(pauseCosts),
		upper("the same, behind an exchange", 10_000, 1000, figure("pauses", "Millrace, exchange, 10 M keys", "pause-p99 us")).hindered(pauseCosts),
		lower("events/s on two cores, times those on one", 1.8, 1.95, secondCore(oursInPlace)).hindered(scaleCosts),
		lower("the same, beside what the second core brings a loop of arithmetic", 1.8/2, 1.95/2, beside(oursInPlace, arithmetic)).hindered(scaleCosts),
		lower("the same by an exchange, beside what it brings an exchange by hand", 1.8/2, 1.95/2, beside(oursExchange, handExchange)).hindered(crossCosts),
		upper("keys at once in the replay of a skewed log, times those live", 1.2, 0, times("skew", "Millrace, replay", "Millrace, live", colKeys)),
		lower("rows/s into PostgreSQL, times those of the driver by hand: insert", 0.9, 0, figure("sinks", "Millrace, PostgreSQL, insert", vsDriver)),
		lower("the same, update", 0.9, 0, figure("sinks", "Millrace, PostgreSQL, update", vsDriver)),
		lower("rows/s into SQLite, times those of the driver by hand: insert", 0.9, 0, figure("sinks", "Millrace, SQLite, insert", vsDriver)),
		lower("the same, update", 0.9, 0, figure("sinks", "Millrace, SQLite, update", vsDriver)),
		lower("rows/s into Kafka, times those of the driver by hand", 0.9, 0, figure("sinks", "Millrace, Kafka, insert", vsDriver)),
		lower("rows/s into Elasticsearch, times those of requests by hand: insert", 0.9, 0, figure("sinks", "Millrace, Elasticsearch, insert", vsDriver)),
		lower("the same, update", 0.9, 0, figure("sinks", "Millrace, Elasticsearch, update", vsDriver)),
	}
}

// judge says whether a figure holds.
func (t target) judge(v float64) string {
	reaches := func(bound float64) bool {
		if t.least {
			return v >= bound
		}
		return v <= bound
	}
	switch {
	case !reaches(t.must):
		return missed
	case t.reach > 0 && reaches(t.reach):
		return beyondIt
	}
	return "yes"
}

// targetTable compares what was measured with the targets, and what each of several runs measured; what was not measured is left out.
func targetTable(m medians, runs ...medians) string {
	t := table.NewWriter()
	head := table.Row{"", "target", "must", "reach for", "measured", "holds"}
	for i := range runs {
		head = append(head, fmt.Sprintf("run %d", i+1))
	}
	t.AppendHeader(head)
	for i, target := range targets() {
		v, ok := target.of(m)
		if !ok {
			continue
		}
		sign, reach := "at most ", ""
		if target.least {
			sign = "at least "
		}
		if target.reach > 0 {
			reach = short(target.reach)
		}
		row := table.Row{i + 1, target.what, sign + short(target.must), reach, short(v), target.judge(v)}
		for _, run := range runs {
			row = append(row, target.shown(run))
		}
		t.AppendRow(row)
	}
	if t.Length() == 0 {
		return ""
	}
	return t.RenderMarkdown() + obstacles(append([]medians{m}, runs...))
}

// shown is a figure, and that it does not hold where it does not.
func (t target) shown(m medians) string {
	v, ok := t.of(m)
	switch {
	case !ok:
		return ""
	case t.judge(v) == missed:
		return short(v) + ": " + missed
	}
	return short(v)
}

// obstacles says, for what some run did not reach, what stands in the way.
func obstacles(runs []medians) string {
	var order []string
	hindered := map[string][]string{}
	for i, target := range targets() {
		lacks := func(m medians) bool {
			v, ok := target.of(m)
			return ok && target.judge(v) != beyondIt
		}
		if target.obstacle == "" || !slices.ContainsFunc(runs, lacks) {
			continue
		}
		if hindered[target.obstacle] == nil {
			order = append(order, target.obstacle)
		}
		hindered[target.obstacle] = append(hindered[target.obstacle], strconv.Itoa(i+1))
	}
	if len(order) == 0 {
		return ""
	}
	text := "\n\nWhat stands between the figures and what to reach for, by profile:\n"
	for _, why := range order {
		text += fmt.Sprintf("\n- %s: %s", strings.Join(hindered[why], ", "), why)
	}
	return text
}

// judge's words for what is less than it must be, and for what reaches further.
const (
	missed   = "**no**"
	beyondIt = "yes, and beyond"
)
