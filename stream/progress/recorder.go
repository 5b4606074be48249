package progress

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/stream"
)

// Job is what a Recorder watches: a *stream.Job.
type Job interface {
	Run(ctx context.Context) error
	Status() stream.Status
	Counters() []stream.Sample
}

// Recorder watches one job. Make it with New. It is safe for concurrent use, but Run and Around are called once at a time.
type Recorder struct {
	name string
	job  Job
	cfg  config

	mu       sync.Mutex
	series   series
	marks    []Mark
	state    State
	err      error
	problem  string    // with the file
	saved    time.Time // when it was last tried
	kept     int       // starts in the file
	started  time.Time
	base     Point  // the totals that this run began with
	offset   *frame // the job as this run found it
	first    Point  // of this run
	frames   []*frame
	now      Now
	growing  map[string]*growing // totals that begin anew when the job restarts
	tides    map[string]*tide    // of each split's log
	starts   map[string]int64    // where each split's way begins, by operator and ID
	moved    time.Time           // a position last changed
	done     float64             // the highest so far
	behind   bool                // there was something to catch up with
	caught   bool                // and that was done
	restarts int64
	commits  Checkpoint // the last seen
}

// Option sets something for a Recorder.
type Option func(*config)

type config struct {
	interval  time.Duration
	path      string
	saveEvery time.Duration
	clock     clock.Clock
}

// Interval is the time between samples. The default is 1 s.
func Interval(d time.Duration) Option { return func(c *config) { c.interval = d } }

// File keeps the history in a file, written every 5 s and at the end. What is in it from earlier runs is gone on with.
func File(path string) Option { return func(c *config) { c.path = path } }

// SaveEvery is the time between writes of the File.
func SaveEvery(d time.Duration) Option { return func(c *config) { c.saveEvery = d } }

// Clock is the time the Recorder goes by; the default is the machine's.
func Clock(c clock.Clock) Option { return func(cfg *config) { cfg.clock = c } }

// New makes a Recorder of a job. The name is what people call it, on the page and in legends: "live", "replay v2".
func New(name string, job Job, opts ...Option) *Recorder {
	cfg := config{interval: time.Second, saveEvery: 5 * time.Second, clock: clock.Real{}}
	for _, o := range opts {
		o(&cfg)
	}
	if cfg.interval <= 0 {
		cfg.interval = time.Second
	}
	r := &Recorder{name: name, job: job, cfg: cfg, state: Waiting, growing: map[string]*growing{}, tides: map[string]*tide{}, starts: map[string]int64{}}
	r.now = Now{Name: name, State: Waiting, Done: -1, Lag: -1, Remaining: -1, LivePerSecond: -1}
	return r
}

// Name is the name given to New.
func (r *Recorder) Name() string { return r.name }

// Job is the job given to New.
func (r *Recorder) Job() Job { return r.job }

// Run runs the job, watched.
func (r *Recorder) Run(ctx context.Context) error { return r.Around(ctx, r.job.Run) }

// Around calls run, which runs the job, and samples the job until it returns. The error is run's.
func (r *Recorder) Around(ctx context.Context, run func(context.Context) error) error {
	r.begin()
	ended, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		r.watch(ended)
	}()
	err := run(ctx)
	close(ended)
	<-watched
	r.end(ctx, err)
	return err
}

func (r *Recorder) watch(ended <-chan struct{}) {
	for {
		ring, stop := r.cfg.clock.After(r.cfg.interval)
		select {
		case <-ring:
			r.Sample()
		case <-ended:
			stop()
			return
		}
	}
}

// begin goes on with the file, if there is one.
func (r *Recorder) begin() {
	var old History
	var problem string
	if r.cfg.path != "" && len(r.History().Points) == 0 {
		var err error
		if old, err = Load(r.cfg.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			problem = "the earlier history is lost: " + err.Error()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range old.Points {
		r.series.add(p)
	}
	r.marks = append(r.marks, old.Marks...)
	for key, at := range old.Starts {
		r.starts[key] = at
	}
	if last, ok := r.series.last(); ok {
		r.base = last
		r.base.Run++
	}
	at := r.cfg.clock.Now()
	r.state, r.err, r.problem, r.started, r.moved = Running, nil, problem, at, at
	r.frames, r.behind, r.caught, r.done, r.growing, r.tides, r.restarts = nil, false, false, -1, map[string]*growing{}, map[string]*tide{}, 0
	r.offset = newFrame(at, r.job)
	r.mark(at, Started, "")
	r.sample(at)
	r.first, _ = r.series.last()
}

// end notes how it ended.
func (r *Recorder) end(ctx context.Context, err error) {
	r.mu.Lock()
	at := r.cfg.clock.Now()
	r.err = err
	switch {
	case err != nil:
		r.state = Broken
		r.mark(at, Failed, err.Error())
	case ctx.Err() != nil:
		r.state = Halted
		r.mark(at, Stopped, "")
	default:
		r.state = Finished
		r.mark(at, Ended, "")
	}
	r.sample(at)
	h := r.history()
	r.mu.Unlock()
	r.save(h)
}

// mark notes something in the history; of very many the oldest are forgotten.
func (r *Recorder) mark(at time.Time, kind MarkKind, note string) {
	r.marks = append(r.marks, Mark{at.UnixMilli(), kind, note})
	if len(r.marks) > mostMarks {
		r.marks = r.marks[len(r.marks)-mostMarks:]
	}
}

// Note marks a change that somebody made: "rate limit 5,000 events/s".
func (r *Recorder) Note(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mark(r.cfg.clock.Now(), Changed, text)
}

// Sample looks at the job at once, beside the interval. Around does it by itself.
func (r *Recorder) Sample() {
	r.mu.Lock()
	at := r.cfg.clock.Now()
	r.sample(at)
	due := r.cfg.path != "" && (at.Sub(r.saved) >= r.cfg.saveEvery || len(r.starts) != r.kept)
	var h History
	if due {
		r.saved, r.kept = at, len(r.starts)
		h = r.history()
	}
	r.mu.Unlock()
	if due {
		r.save(h)
	}
}

// save writes the file, if there is to be one. The lock is free meanwhile.
func (r *Recorder) save(h History) {
	if r.cfg.path == "" {
		return
	}
	problem := ""
	if err := h.Save(r.cfg.path); err != nil {
		problem = "the history is not saved: " + err.Error()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problem, r.now.Problem = problem, problem
}

// History is what has been seen so far, in memory of its own.
func (r *Recorder) History() History {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.history()
}

func (r *Recorder) history() History {
	return History{Name: r.name, Starts: maps.Clone(r.starts), Points: r.series.points(), Marks: slices.Clone(r.marks)}
}

// Now is the last sample. Its slices are shared: do not change them.
func (r *Recorder) Now() Now {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}
