package prom_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/limit"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/progress"
	"github.com/millrace/millrace/stream/prom"
	"github.com/millrace/millrace/watermark"
)

func run(t *testing.T, name string, n int) *progress.Recorder {
	t.Helper()
	j := stream.NewJob("numbers", stream.Logger(slog.New(slog.DiscardHandler)), stream.RateLimit(limit.New(limit.Rate{Events: 1e9})))
	var numbers []int
	for i := range n {
		numbers = append(numbers, i)
	}
	at := func(n int) time.Time { return time.UnixMilli(1_700_000_000_000 + int64(n)) }
	stream.To(stream.From[int](j, "numbers", memory.Of(numbers...), watermark.Monotonous(at)), "list", &sinkmemory.List[int]{})
	r := progress.New(name, j)
	require.NoError(t, r.Run(t.Context()))
	return r
}

func TestCollector(t *testing.T) {
	c := prom.New(run(t, "live", 100), run(t, "replay", 2000), progress.New("next", stream.NewJob("next")))
	require.NoError(t, testutil.CollectAndCompare(c, strings.NewReader(`
# HELP millrace_records_in_total The job's counter records_in.
# TYPE millrace_records_in_total counter
millrace_records_in_total{job_name="live",operator="numbers"} 100
millrace_records_in_total{job_name="replay",operator="numbers"} 2000
# HELP millrace_done_ratio Share of the positions to read that have been read.
# TYPE millrace_done_ratio gauge
millrace_done_ratio{job_name="live"} 1
millrace_done_ratio{job_name="replay"} 1
# HELP millrace_split_position Next position to read.
# TYPE millrace_split_position gauge
millrace_split_position{job_name="live",operator="numbers",split="memory/0"} 100
millrace_split_position{job_name="replay",operator="numbers",split="memory/0"} 2000
# HELP millrace_split_lag Positions from the next to read to the log's end.
# TYPE millrace_split_lag gauge
millrace_split_lag{job_name="live",operator="numbers",split="memory/0"} 0
millrace_split_lag{job_name="replay",operator="numbers",split="memory/0"} 0
# HELP millrace_ledger_difference Records that the ledger lacks: read and not ended. Anything but 0 is a fault.
# TYPE millrace_ledger_difference gauge
millrace_ledger_difference{job_name="live",operator="numbers",split="memory/0"} 0
millrace_ledger_difference{job_name="replay",operator="numbers",split="memory/0"} 0
# HELP millrace_sink_rows_total Rows written.
# TYPE millrace_sink_rows_total counter
millrace_sink_rows_total{job_name="live",operator="list",subtask="0"} 100
millrace_sink_rows_total{job_name="replay",operator="list",subtask="0"} 2000
# HELP millrace_limit_events_per_second The rate limit in force, 0 for none.
# TYPE millrace_limit_events_per_second gauge
millrace_limit_events_per_second{job_name="live"} 1e+09
millrace_limit_events_per_second{job_name="replay"} 1e+09
`), "millrace_records_in_total", "millrace_done_ratio", "millrace_split_position", "millrace_split_lag", "millrace_ledger_difference", "millrace_sink_rows_total", "millrace_limit_events_per_second"))
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(c))
	problems, err := testutil.GatherAndLint(registry)
	require.NoError(t, err)
	require.Empty(t, problems)
	families, err := registry.Gather()
	require.NoError(t, err)
	names := map[string]bool{}
	for _, f := range families {
		names[f.GetName()] = true
	}
	for _, want := range []string{"millrace_job_state", "millrace_task_seconds_total", "millrace_task_busy_ratio", "millrace_sink_write_seconds", "millrace_checkpoints_total", "millrace_ledger_records_total"} {
		require.True(t, names[want], want)
	}
}

// meter counts with labels and names that Prometheus does not take as they are.
func TestNamesAreMadeFit(t *testing.T) {
	j := odd{stream.NewJob("odd")}
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(prom.New(progress.New("odd", j))))
	families, err := registry.Gather()
	require.NoError(t, err)
	found := false
	for _, f := range families {
		found = found || f.GetName() == "millrace_cups_of_tea_total"
	}
	require.True(t, found)
}

type odd struct{ *stream.Job }

func (odd) Counters() []stream.Sample {
	return []stream.Sample{{Name: "cups of tea", Labels: []string{"the-kind", "green \"n\" good\n"}, Value: 3}}
}
