package simulation_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/internal/nightly"
	"github.com/millrace/millrace/internal/simulation"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

type click struct {
	User string
	At   int64
	Page int
}

type session struct {
	User       string
	Start, End int64
	Pages      int
}

func clicks(r *rand.Rand, n, users, partitions int) [][]click {
	log := make([][]click, partitions)
	now := int64(1_700_000_000_000)
	for range n {
		now += int64(r.IntN(120_000))
		user := r.IntN(users)
		log[user%partitions] = append(log[user%partitions], click{fmt.Sprintf("u%d", user), now - int64(r.IntN(30_000)), r.IntN(100)})
	}
	return log
}

type count struct{}

func (count) Process(_ *stream.Context, p stream.Pane[string, click], out *stream.Collector[session]) error {
	out.Emit(session{p.Key, p.Window.Start, p.Window.End, len(p.Elements)})
	return nil
}

func sessions(w *simulation.World) *stream.Job {
	job := stream.NewJob("sessions", w.Options()...)
	log := simulation.NewLog(w, "clicks", clicks(w.Rand(), 150, 7, 3)).WithCodec(codec.JSON[click](1))
	all := stream.From(job, "clicks", log, watermark.BoundedOutOfOrderness(20*time.Second, func(c click) time.Time { return time.UnixMilli(c.At) }))
	windows := stream.Window(stream.KeyBy(all, func(c click) string { return c.User }, stream.OneSplitPerKey()), window.EventTimeSession(10*time.Minute))
	found := stream.Process(windows, "sessions", count{})
	stream.To(found, "table", simulation.NewTable(w, "table", func(s session) string { return fmt.Sprint(s.User, s.Start) }))
	stream.To(found, "files", simulation.NewFiles[session](w, "files"))
	stream.To(stream.Late(windows), "late", simulation.NewEvents[click](w, "late"))
	return job
}

// The same seed gives the same course, step by step, and every course the same results.
func TestOneSeedIsOneCourse(t *testing.T) {
	for seed := range uint64(nightly.Pick(40, 1000)) {
		p := simulation.Plan{Seed: seed, Faults: 8}
		calm := simulation.Run(t, simulation.Plan{Seed: seed, Calm: true}, sessions)
		require.NoError(t, calm.Err)
		first := simulation.Run(t, p, sessions)
		require.NoError(t, first.Err, "seed %d", seed)
		require.Equal(t, calm.Results, first.Results, "seed %d", seed)
		again := simulation.Run(t, p, sessions)
		require.Equal(t, first.Hash, again.Hash, "seed %d, %d and %d steps:\n%v\n%v", seed, first.Steps, again.Steps, first.Last, again.Last)
		t.Log(seed, first.Steps, first.Processes, first.Faults, first.Style)
	}
}
