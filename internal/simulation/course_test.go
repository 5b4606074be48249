package simulation_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
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
	log := simulation.NewLog(w, "clicks", clicks(rand.New(rand.NewPCG(w.Seed(), 0)), 150, 7, 3)).WithCodec(codec.JSON[click](1))
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
	j := &simulation.Judge{T: t, Build: sessions}
	seeds := uint64(nightly.Pick(25, 1000))
	crashes := int64(0)
	hashes := map[uint64]bool{}
	for seed := range seeds {
		p := simulation.Plan{Seed: seed, Faults: 8}
		first, err := j.Try(p)
		require.NoError(t, err, "%s", p)
		again := simulation.Run(t, p, sessions)
		require.True(t, first.Same(again), "%s took two courses, which end with\n%s\n\n%s", p, strings.Join(first.Last, "\n"), strings.Join(again.Last, "\n"))
		crashes += first.Faults[simulation.Crash]
		hashes[first.Hash] = true
	}
	require.Len(t, hashes, int(seeds), "other seeds take other courses")
	require.NotZero(t, crashes)
	nightly.Record(t, nightly.Figures{Part: "the same seed twice", Seeds: int64(seeds), CrashPoints: crashes})
}

// A plan reads as it is written, and what is no plan is refused.
func TestParsePlan(t *testing.T) {
	for _, p := range []simulation.Plan{{Seed: 17, Faults: 8}, {Seed: 1, Faults: 8, Only: []int{2, 5}, Share: 40}, {Seed: 9, Faults: 8, Only: []int{}}} {
		got, err := simulation.ParsePlan(p.String(), 8)
		require.NoError(t, err)
		require.Equal(t, p, got)
	}
	for _, text := range []string{"17", "seed=x", "seed=1 share=200", "seed=1 faults=a"} {
		_, err := simulation.ParsePlan(text, 8)
		require.Error(t, err, text)
	}
}
