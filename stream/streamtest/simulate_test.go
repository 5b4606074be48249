package streamtest_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/internal/nightly"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/streamtest"
	"github.com/millrace/millrace/watermark"
)

// numbering gives each visit of a user its number, in ways that are wrong and one that is right.
type numbering struct {
	way   string
	field map[string]int64
	kept  stream.ValueState[int64]
}

// everSeen is what no function may have.
var everSeen = map[string]int64{}

func (n *numbering) Open(ctx *stream.OpenContext) error {
	n.field, n.kept = map[string]int64{}, stream.NewValue(ctx, "kept", codec.Int64())
	return nil
}

func (n *numbering) Process(_ *stream.Context, in stream.Keyed[string, visit], out *stream.Collector[string]) error {
	emit := func(what any) {
		out.Emit(fmt.Sprintf("%s %s %v", in.Key, in.Value.At.UTC().Format("15:04"), what))
	}
	switch n.way {
	case "state":
		number, _ := n.kept.Get()
		n.kept.Set(number + 1)
		emit(number)
	case "field":
		n.field[in.Key]++
		emit(n.field[in.Key])
	case "global":
		everSeen[in.Key]++
		emit(everSeen[in.Key])
	case "clock":
		emit(time.Now().Format(time.StampMilli))
	case "chance":
		emit(rand.IntN(1000))
	case "map":
		for word := range map[string]bool{"one": true, "two": true, "three": true, "four": true} {
			emit(word)
			return nil
		}
	case "goroutine":
		number := make(chan int)
		for i := range 2 {
			go func() { number <- i }()
		}
		emit(<-number)
		<-number
	}
	return nil
}

func numbered(way string) func(*streamtest.Simulation) *stream.Job {
	log := streamtest.Partition(visits(), 2, userOf)
	return func(s *streamtest.Simulation) *stream.Job {
		job := stream.NewJob("numbered", s.Options()...)
		clicks := stream.From(job, "visits", streamtest.NewLog(s, "visits", log).WithCodec(codec.JSON[visit](1)),
			watermark.Monotonous(func(v visit) time.Time { return v.At }))
		keyed := stream.KeyBy(clicks, userOf, stream.OneSplitPerKey())
		all := stream.Process(keyed, "number", stream.PerTask[stream.Keyed[string, visit], string](func() *numbering { return &numbering{way: way} }))
		stream.To(all, "files", streamtest.NewFiles[string](s, "files"))
		return job
	}
}

func TestSimulateSound(t *testing.T) {
	done := streamtest.Simulate(t, streamtest.Courses{Seeds: nightly.Pick(40, 1500)}, numbered("state"))
	require.NotZero(t, done.Faults["crash"])
	require.Greater(t, done.Processes, done.Courses)
	nightly.Record(t, nightly.Figures{Part: "simulated jobs", Seeds: int64(done.Courses), CrashPoints: done.Faults["crash"], Events: int64(done.Courses * len(visits())), Faults: done.Faults})
}

// What keeps results from being a function of the log is found, whichever it is, and what shows it is small.
func TestSimulateFinds(t *testing.T) {
	for _, way := range []string{"field", "global", "clock", "chance", "map", "goroutine"} {
		t.Run(way, func(t *testing.T) {
			clear(everSeen)
			text := failure(func() { streamtest.Simulate(nil, streamtest.Courses{}, numbered(way)) })
			require.Contains(t, text, "the results depend on the course of events")
			require.Contains(t, text, "MILLRACE_COURSE='seed=")
			require.Contains(t, text, "its last steps")
			require.Contains(t, text, "it still fails as course")
			elsewhere := strings.Contains(text, "took another course the second time")
			switch way {
			case "field", "clock":
				require.False(t, elsewhere, "it follows from the seed:\n%s", text)
			case "global", "chance":
				require.True(t, elsewhere, "it follows from nothing:\n%s", text)
			}
		})
	}
}

func failure(f func()) (text string) {
	defer func() { text = fmt.Sprint(recover()) }()
	f()
	return ""
}
