package stream_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

func TestGraph(t *testing.T) {
	j := newJob()
	in := stream.From(j, "numbers", numbers(5), watermark.BoundedOutOfOrderness(time.Second, atMilli))
	even := stream.Filter(in, func(n int) bool { return n%2 == 0 }, stream.Name("even"))
	windows := stream.Window(stream.KeyBy(even, identity), window.Tumbling(time.Minute))
	stream.To(stream.Late(windows), "late", &sinkmemory.List[int]{})
	sums := stream.Aggregate(windows, "sums", totals{})
	stream.To(sums, "table", sinkmemory.NewTable(func(s string) string { return s }))
	graph, err := j.Graph()
	require.NoError(t, err)
	type place struct {
		stage string
		tasks int
		in    []stream.Edge
	}
	got := map[string]place{}
	for _, o := range graph {
		require.NotEmpty(t, o.Kind)
		got[o.Name] = place{o.Stage, o.Tasks, o.Inputs}
	}
	require.Equal(t, place{"numbers", 0, nil}, got["numbers"])
	require.Equal(t, place{"numbers", 0, []stream.Edge{{From: "numbers", Ship: "forward"}}}, got["even"])
	require.Equal(t, place{"sums", 1, []stream.Edge{{From: "even", Ship: "hash"}}}, got["sums"])
	require.Equal(t, place{"sums", 1, []stream.Edge{{From: "sums", Ship: "forward"}}}, got["late"])
	require.Equal(t, "job", j.Name())

	_, err = stream.NewJob("empty").Graph()
	require.ErrorContains(t, err, "no source")
}
