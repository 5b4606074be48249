package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/millrace/millrace/state"
)

// Images take the state away while the job runs: a helper of the run asks for one when it is due. Nothing that happens to an image touches the job.

// ImageSchedule says when images are due. One of Every and Nth is above zero.
type ImageSchedule struct {
	Every   time.Duration // from the beginning of one to that of the next
	Nth     int64         // after so many commits of all units
	Timeout time.Duration // of one image
}

// ImageMoment is what an image is taken of.
type ImageMoment struct {
	Job, Backend, StateDir string
	Store                  state.Store
	Now                    time.Time
	// Hold runs f while no unit commits, and waits for those that do. Tasks go on meanwhile; checkpoints that are complete wait for f.
	Hold func(ctx context.Context, f func() error) error
}

// Image is what came of one.
type Image struct {
	Number          int64
	Files, NewFiles int
	Bytes, NewBytes int64
	Warning         error // of what is not the image itself: older ones that could not be removed
	took            time.Duration
	begun           time.Time
}

// ImageConfig is how a run's images are taken; without Take there are none.
type ImageConfig struct {
	ImageSchedule
	Backend, StateDir string
	Take              func(context.Context, ImageMoment) (Image, error)
}

// ErrImageTimeout is the cause of an image's context when its time is over.
var ErrImageTimeout = errors.New("the image of the state took too long")

// ImageStatus is what became of a run's images.
type ImageStatus struct {
	Taken, Failed, TimedOut int64 // those that timed out are among those that failed
	// Number is the newest that was kept, 0 for none; the rest is about it.
	Number          int64
	Began           time.Time
	Took            time.Duration
	Files, NewFiles int
	Bytes, NewBytes int64 // of all its files, and of those that had to be brought
	// LastError is why the last try failed, nil after one that did not.
	LastError error
}

// imager takes the images of a run.
type imager struct {
	run    *Run
	ticket chan struct{} // one commit has been done
	commitGate

	mu     sync.Mutex
	status ImageStatus
}

func newImager(r *Run) *imager { return &imager{run: r, ticket: make(chan struct{}, 1024)} }

// committed notes a commit. It never waits; beyond the room of the channel commits are not told apart.
func (im *imager) committed() {
	select {
	case im.ticket <- struct{}{}:
	default:
	}
}

// loop takes images when they are due until ctx is done.
func (im *imager) loop(ctx context.Context) {
	c := im.run.cfg.Images
	ring, stop := im.alarm()
	defer func() { stop() }()
	commits, due := int64(0), false
	for {
		select {
		case <-im.ticket:
			commits++
		case <-ring:
			due = true
		case <-ctx.Done():
			return
		}
		if c.Nth > 0 && commits < c.Nth || c.Nth <= 0 && (!due || commits == 0) {
			continue
		}
		commits, due = 0, false
		stop()
		ring, stop = im.alarm()
		im.take(ctx)
	}
}

func (im *imager) alarm() (<-chan time.Time, func()) {
	if every := im.run.cfg.Images.Every; every > 0 {
		return im.run.cfg.Clock.After(every)
	}
	return nil, func() {}
}

func (im *imager) take(ctx context.Context) {
	cfg := &im.run.cfg
	c := cfg.Images
	limited, cancel := context.WithCancelCause(ctx)
	ring, stop := cfg.Clock.After(c.Timeout)
	ended := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-ring:
			cancel(ErrImageTimeout)
		case <-ended:
		}
	})
	begun := cfg.Clock.Now()
	i, err := im.guarded(limited, ImageMoment{
		Job: cfg.Job, Backend: c.Backend, StateDir: c.StateDir, Store: im.run.store, Now: begun, Hold: im.hold,
	})
	close(ended)
	watch.Wait()
	stop()
	cancel(context.Canceled)
	if err != nil && ctx.Err() != nil {
		return // the run ends, and the image with it
	}
	i.begun, i.took = begun, cfg.Clock.Now().Sub(begun)
	im.note(i, err, errors.Is(context.Cause(limited), ErrImageTimeout))
}

func (im *imager) guarded(ctx context.Context, m ImageMoment) (i Image, err error) {
	defer caught(&err)
	return im.run.cfg.Images.Take(ctx, m)
}

// note counts and logs what became of an image.
func (im *imager) note(i Image, err error, timedOut bool) {
	meter, log := im.run.cfg.Meter, im.run.cfg.Logger
	im.mu.Lock()
	st := &im.status
	st.LastError = err
	if err != nil {
		st.Failed++
		if timedOut {
			st.TimedOut++
		}
	} else {
		st.Taken++
		st.Number, st.Began, st.Took = i.Number, i.begun, i.took
		st.Files, st.NewFiles, st.Bytes, st.NewBytes = i.Files, i.NewFiles, i.Bytes, i.NewBytes
	}
	im.mu.Unlock()
	if err != nil {
		if timedOut {
			err = fmt.Errorf("%w (%s): %w", ErrImageTimeout, im.run.cfg.Images.Timeout, err)
		}
		meter.Counter("images_failed").Add(1)
		log.Error("no image of the state was kept; the job goes on, and the next is tried at its time", "err", err)
		return
	}
	meter.Counter("images").Add(1)
	meter.Counter("image_bytes").Add(i.NewBytes)
	log.Info("image of the state kept", "number", i.Number, "files", i.Files, "bytes", i.Bytes, "new files", i.NewFiles, "new bytes", i.NewBytes, "took", i.took.Round(time.Millisecond))
	if i.Warning != nil {
		log.Warn("older images of the state stay", "err", i.Warning)
	}
}

// Images tells what became of the run's images of its state. It is safe for concurrent use.
func (r *Run) Images() ImageStatus {
	r.images.mu.Lock()
	defer r.images.mu.Unlock()
	return r.images.status
}

// commitGate lets units commit at the same time, and an image be taken while none does. Who comes while an image waits or is being taken waits for its end.
// A unit that makes a checkpoint durable before it applies it is inside from before the first until after the second.
type commitGate struct {
	mu      sync.Mutex
	inside  int
	holding bool
	changed chan struct{} // closed at the next change; nil while nobody waits
}

// enter is to be followed by leave, after nil.
func (g *commitGate) enter(ctx context.Context) error {
	return g.wait(ctx, func() bool {
		if g.holding {
			return false
		}
		g.inside++
		return true
	})
}

func (g *commitGate) leave() { g.change(func() { g.inside-- }) }

// hold runs f while nobody is inside.
func (g *commitGate) hold(ctx context.Context, f func() error) error {
	g.change(func() { g.holding = true }) // images are taken one at a time
	defer g.change(func() { g.holding = false })
	if err := g.wait(ctx, func() bool { return g.inside == 0 }); err != nil {
		return err
	}
	return f()
}

func (g *commitGate) change(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
	if g.changed != nil {
		close(g.changed)
		g.changed = nil
	}
}

// wait waits until try, which is called under the lock, says yes.
func (g *commitGate) wait(ctx context.Context, try func() bool) error {
	for {
		g.mu.Lock()
		if try() {
			g.mu.Unlock()
			return nil
		}
		if g.changed == nil {
			g.changed = make(chan struct{})
		}
		changed := g.changed
		g.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
