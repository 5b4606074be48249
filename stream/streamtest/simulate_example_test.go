package streamtest_test

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/streamtest"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// visits is a log in which two users come every few minutes, with a long break now and then.
func visits() []visit {
	var all []visit
	at := time.Date(2024, 1, 4, 12, 0, 0, 0, time.UTC)
	for n := range 40 {
		at = at.Add(4 * time.Minute)
		if n%9 == 0 {
			at = at.Add(time.Hour)
		}
		all = append(all, visit{[]string{"ann", "bob", "ann", "eve"}[n%4], at})
	}
	return all
}

var visitCodec = codec.JSON[visit](1)

// stay is a session of a user.
type stay struct {
	User   string
	From   time.Time
	Visits int
}

func (s stay) key() string { return s.User + s.From.Format(" 15:04") }

type stays struct{}

func (stays) Process(_ *stream.Context, p stream.Pane[string, visit], out *stream.Collector[stay]) error {
	out.Emit(stay{p.Key, p.Elements[0].At.UTC(), len(p.Elements)})
	return nil
}

// A job of sessions comes to the same table whatever happens: crashes, errors of the broker and of the table, any order of its goroutines.
func ExampleSimulate() {
	log := streamtest.Partition(visits(), 3, userOf)
	done := streamtest.Simulate(nil, streamtest.Courses{Seeds: 50}, func(s *streamtest.Simulation) *stream.Job { // in a test, t in place of nil
		job := stream.NewJob("stays", s.Options()...)
		clicks := stream.From(job, "visits", streamtest.NewLog(s, "visits", log).WithCodec(visitCodec),
			watermark.Monotonous(func(v visit) time.Time { return v.At }))
		sessions := stream.Window(stream.KeyBy(clicks, userOf, stream.OneSplitPerKey()), window.EventTimeSession(30*time.Minute))
		stream.To(stream.Process(sessions, "stays", stays{}), "table", streamtest.NewTable(s, "stays", stay.key))
		return job
	})
	fmt.Println(done.Courses, "courses; some crashed:", done.Faults["crash"] > 0)
	// Output: 50 courses; some crashed: true
}
