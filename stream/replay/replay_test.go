package replay_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source"
	livesource "github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/replay"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// click is an event of a test: a user and a time in seconds.
type click struct {
	user string
	at   int64
}

var clickCodec = codec.Func("click/v1",
	func(dst []byte, c click) ([]byte, error) {
		return append(binary.AppendVarint(dst, c.at), c.user...), nil
	},
	func(src []byte) (click, error) {
		at, n := binary.Varint(src)
		return click{string(src[n:]), at}, nil
	})

// bounded ends a Live where it stands when it is opened, as kafka.UntilEnd does.
type bounded struct {
	*livesource.Live[click]
	ends func() []int64
}

type boundedSession struct {
	source.Session[click]
	ends []int64
}

func (b bounded) Open(ctx context.Context, env source.Env) (source.Session[click], error) {
	s, err := b.Live.Open(ctx, env)
	return boundedSession{s, b.ends()}, err
}

func (s boundedSession) Splits(ctx context.Context) ([]source.Split, error) {
	splits, err := s.Session.Splits(ctx)
	for i := range splits {
		splits[i].Stop = s.ends[i]
	}
	return splits, err
}

// topic is a log that grows while a test runs.
type topic struct {
	*livesource.Live[click]
	mu   sync.Mutex
	ends []int64
}

func newTopic(splits int) *topic {
	return &topic{Live: livesource.NewLive[click](splits), ends: make([]int64, splits)}
}

func (l *topic) add(t *testing.T, split int, clicks ...click) {
	l.mu.Lock()
	defer l.mu.Unlock()
	require.NoError(t, l.Append(split, clicks...))
	l.ends[split] += int64(len(clicks))
}

func (l *topic) now() []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.ends)
}

// session is a result: a user's clicks without a pause of 10 s.
type session struct {
	user   string
	start  int64
	clicks int
}

type sessions struct{}

func (sessions) Process(_ *stream.Context, p stream.Pane[string, click], out *stream.Collector[session]) error {
	out.Emit(session{p.Key, p.Window.Start / 1000, len(p.Elements)})
	return nil
}

// program builds the same job for every phase over a topic.
type program struct {
	log   *topic
	ends  func() []int64 // where history ends when a phase is opened
	dir   string
	table *memory.Table[string, session]
}

func newProgram(t *testing.T, log *topic) *program {
	table := memory.NewTable(func(s session) string { return fmt.Sprint(s.user, "/", s.start) })
	return &program{log: log, ends: log.now, dir: t.TempDir(), table: table}
}

func (p *program) build(phase replay.Phase, opts ...stream.JobOption) (*stream.Job, error) {
	job := stream.NewJob("sessions", append(phase.Options(), append(opts, stream.StateDir(p.dir), stream.StatusEvery(0))...)...)
	var src source.Source[click] = p.log
	if !phase.Live {
		src = bounded{p.log.Live, p.ends}
	}
	clicks := stream.From(job, "clicks", src, watermark.BoundedOutOfOrderness(time.Second, func(c click) time.Time { return time.Unix(c.at, 0) }))
	byUser := stream.KeyBy(stream.WithCodec(clicks, clickCodec), func(c click) string { return c.user })
	panes := stream.Process(stream.Window(byUser, window.EventTimeSession(10*time.Second)), "sessions", sessions{})
	stream.To(panes, "table", p.table)
	return job, nil
}

func (p *program) rows() (rows []string) {
	for _, s := range p.table.Rows() {
		rows = append(rows, fmt.Sprintf("%s@%d:%d", s.user, s.start, s.clicks))
	}
	slices.Sort(rows)
	return rows
}

func runReplay(ctx context.Context, c replay.Config) (replay.Result, error) {
	r := replay.New(c)
	err := r.Run(ctx)
	return r.Result(), err
}

func TestHistoryAlone(t *testing.T) {
	log := newTopic(2)
	log.add(t, 0, click{"a", 0}, click{"a", 5}, click{"a", 30})
	log.add(t, 1, click{"b", 1})
	p := newProgram(t, log)
	var ended []stream.SplitStatus
	config := replay.Config{
		Build:    func(ph replay.Phase) (*stream.Job, error) { return p.build(ph) },
		CaughtUp: func(_ context.Context, at []stream.SplitStatus) error { ended = at; return nil },
	}
	r, err := runReplay(t.Context(), config)
	require.NoError(t, err)
	require.True(t, r.CaughtUp)
	require.Nil(t, r.HandOver)
	require.Equal(t, "history", r.Phase.String())
	require.Equal(t, []string{"a@0:2", "a@30:1", "b@1:1"}, p.rows(), "the end of history closes all windows")
	require.Equal(t, []int64{3, 1}, []int64{ended[0].Position, ended[1].Position})

	_, err = runReplay(t.Context(), config)
	require.NoError(t, err, "there is nothing new")
	log.add(t, 0, click{"a", 31})
	_, err = runReplay(t.Context(), config)
	require.ErrorIs(t, err, stream.ErrFinished, "its windows are closed")
}

// A session that is open when history ends goes on in the live phase; no click is lost or counted twice.
func TestHandOver(t *testing.T) {
	log := newTopic(2)
	log.add(t, 0, click{"a", 0}, click{"a", 5})
	log.add(t, 1, click{"b", 1})
	p := newProgram(t, log)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	live := make(chan *stream.Job, 1)
	done := make(chan replay.Result, 1)
	go func() {
		r, err := runReplay(ctx, replay.Config{
			Follow: true,
			Build: func(ph replay.Phase) (*stream.Job, error) {
				if ph.Live {
					return p.build(ph, stream.CheckpointEvery(10*time.Millisecond), stream.DefaultParallelism(3))
				}
				return p.build(ph, stream.CheckpointEvery(time.Hour))
			},
			Began: func(ph replay.Phase, job *stream.Job) {
				if ph.Live {
					live <- job
				}
			},
		})
		if err != nil {
			t.Error(err)
		}
		done <- r
	}()
	select {
	case <-live:
	case <-done:
		t.FailNow()
	}
	require.Empty(t, p.rows(), "history leaves windows open")
	log.add(t, 0, click{"a", 14}, click{"a", 40})
	log.add(t, 1, click{"b", 40})
	require.Eventually(t, func() bool { return len(p.rows()) == 2 }, 10*time.Second, time.Millisecond)
	require.Equal(t, []string{"a@0:3", "b@1:1"}, p.rows())
	stop()
	r := <-done
	require.True(t, r.CaughtUp)
	require.True(t, r.Phase.Live)
	require.Equal(t, []int64{2, 1}, []int64{r.HandOver[0].Position, r.HandOver[1].Position})
}

// While more than Near records have come, another round of history follows.
func TestRounds(t *testing.T) {
	log := newTopic(1)
	for i := range int64(100) {
		log.add(t, 0, click{"a", i})
	}
	p := newProgram(t, log)
	more := 60
	p.ends = func() []int64 { // while history is read more comes
		ends := log.now()
		for ; more > 0; more-- {
			log.add(t, 0, click{"b", 100})
		}
		return ends
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, err := runReplay(ctx, replay.Config{
		Follow: true, Near: 50,
		Build: func(ph replay.Phase) (*stream.Job, error) { return p.build(ph) },
		Began: func(ph replay.Phase, _ *stream.Job) {
			if ph.Live {
				stop()
			}
		},
	})
	require.NoError(t, err)
	require.Equal(t, replay.Phase{Live: true, Round: 2}.String(), r.Phase.String())
	require.Equal(t, 2, r.Phase.Round)
	require.EqualValues(t, 160, r.HandOver[0].Position)
}

func TestWhatGoesWrong(t *testing.T) {
	broken := errors.New("no such table")
	_, err := runReplay(t.Context(), replay.Config{Build: func(replay.Phase) (*stream.Job, error) { return nil, broken }})
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "replay, history: ")

	log := newTopic(1)
	log.add(t, 0, click{"a", 0})
	p := newProgram(t, log)
	r, err := runReplay(t.Context(), replay.Config{
		Build:    func(ph replay.Phase) (*stream.Job, error) { return p.build(ph) },
		CaughtUp: func(context.Context, []stream.SplitStatus) error { return broken },
	})
	require.ErrorIs(t, err, broken)
	require.False(t, r.Phase.Live)
}

func TestStoppedInHistory(t *testing.T) {
	log := newTopic(1)
	log.add(t, 0, click{"a", 0})
	p := newProgram(t, log)
	ctx, stop := context.WithCancel(t.Context())
	r, err := runReplay(ctx, replay.Config{
		Follow: true,
		Build:  func(ph replay.Phase) (*stream.Job, error) { return p.build(ph) },
		Began:  func(replay.Phase, *stream.Job) { stop() },
	})
	require.NoError(t, err)
	require.False(t, r.Phase.Live)
	// the same state goes on
	ctx, stop = context.WithCancel(t.Context())
	defer stop()
	r, err = runReplay(ctx, replay.Config{
		Follow: true,
		Build:  func(ph replay.Phase) (*stream.Job, error) { return p.build(ph) },
		Began: func(ph replay.Phase, _ *stream.Job) {
			if ph.Live {
				stop()
			}
		},
	})
	require.NoError(t, err)
	require.True(t, r.CaughtUp)
	require.True(t, r.Phase.Live)
}
