package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/state"
)

// Keeper takes images of one job's state and keeps them in a place. It is given to a job by stream.Checkpoints, and to one job at a time; a job that is run again may have it again.
type Keeper struct {
	archive *Archive
	config  config
	writer  string // this Keeper in the place's mark
	claimed bool
	sums    sums
}

// Option sets one property of a Keeper.
type Option func(*config)

type config struct {
	keep    int
	every   time.Duration
	nth     int64
	timeout time.Duration
}

// Keep is how many checkpoints stay; older ones are removed. The default is 3.
func Keep(n int) Option { return func(c *config) { c.keep = n } }

// Every is the time from the beginning of one image to that of the next, if a checkpoint of the job has completed meanwhile. The default is 5 minutes.
func Every(d time.Duration) Option { return func(c *config) { c.every, c.nth = d, 0 } }

// EveryNth takes an image after so many checkpoints of the job, all its commit units counted, instead of after a time.
func EveryNth(n int64) Option { return func(c *config) { c.every, c.nth = 0, n } }

// Timeout bounds one image with its upload; one that takes longer has failed, and the next begins at its own time. The default is an hour.
func Timeout(d time.Duration) Option { return func(c *config) { c.timeout = d } }

// NewKeeper makes a Keeper. The place is first touched when the job has taken its first checkpoint.
func NewKeeper(s Storage, options ...Option) *Keeper {
	c := config{keep: 3, every: 5 * time.Minute, timeout: time.Hour}
	for _, o := range options {
		o(&c)
	}
	return &Keeper{archive: Open(s), config: c, writer: randomName(), sums: sums{}}
}

// Validate says what is wrong with the options.
func (k *Keeper) Validate() error {
	switch c := k.config; {
	case c.keep < 1:
		return fmt.Errorf("checkpoint.Keep: %d checkpoints are none; keep at least 1", c.keep)
	case c.every <= 0 && c.nth <= 0:
		return errors.New("checkpoint.Every and checkpoint.EveryNth: give a time or a number above zero")
	case c.timeout <= 0:
		return fmt.Errorf("checkpoint.Timeout: %s leaves no time", c.timeout)
	}
	return nil
}

// String is the place.
func (k *Keeper) String() string { return k.archive.storage.String() }

// Schedule is when the engine is to ask for images.
func (k *Keeper) Schedule() runtime.ImageSchedule {
	return runtime.ImageSchedule{Every: k.config.every, Nth: k.config.nth, Timeout: k.config.timeout}
}

// imageDir is where an image lies below the state directory while it is brought away.
const imageDir = "image"

// Take takes an image and keeps it. One call at a time. What cannot be kept leaves the place without the checkpoint; what of older ones cannot be removed is in the
// result's Warning.
func (k *Keeper) Take(ctx context.Context, m runtime.ImageMoment) (taken runtime.Image, err error) {
	imager, ok := m.Store.(state.Imager)
	if !ok {
		return taken, fmt.Errorf("the backend %s makes no images of its state", m.Backend)
	}
	if err := k.claim(ctx, m.Job); err != nil {
		return taken, err
	}
	lineage, err := lineageOf(m.StateDir)
	if err != nil {
		return taken, err
	}
	if err := imager.Flush(ctx); err != nil {
		return taken, err
	}
	parent := filepath.Join(m.StateDir, imageDir)
	if err := freshDir(parent); err != nil {
		return taken, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(parent)) }()
	dir := filepath.Join(parent, "files")
	manifest := &Manifest{Format: Format, Store: m.Backend, Lineage: lineage, Taken: m.Now.UTC()}
	err = m.Hold(ctx, func() error {
		saved, err := runtime.ReadSaved(m.Store)
		if err != nil {
			return err
		}
		manifest.describe(saved)
		return imager.Image(dir)
	})
	if err != nil {
		return taken, err
	}
	if manifest.Files, err = k.sums.files(ctx, dir); err != nil {
		return taken, err
	}
	taken.Files, taken.Bytes = len(manifest.Files), manifest.Bytes()
	if taken.NewFiles, taken.NewBytes, err = k.upload(ctx, manifest, dir); err != nil {
		return taken, err
	}
	if err := k.publish(ctx, manifest); err != nil {
		return taken, err
	}
	taken.Number = manifest.Number
	_, taken.Warning = k.retire(ctx, lineage)
	return taken, nil
}

// upload brings the files that the place lacks, one at a time.
func (k *Keeper) upload(ctx context.Context, m *Manifest, dir string) (files int, bytes int64, err error) {
	there := map[string]int64{}
	err = retry(ctx, func() error {
		clear(there)
		return k.archive.storage.List(ctx, storedName(m.Lineage, ""), func(e Entry) { there[e.Name] = e.Size })
	})
	if err != nil {
		return 0, 0, fmt.Errorf("files in %s: %w", k, err)
	}
	for _, f := range m.Files {
		name := m.stored(f)
		if size, ok := there[name]; ok && size == f.Bytes {
			continue
		}
		err := retry(ctx, func() error { return k.archive.storage.Upload(ctx, name, filepath.Join(dir, f.Name), f.Bytes) })
		if err != nil {
			return files, bytes, fmt.Errorf("bring %s to %s: %w", f.Name, k, err)
		}
		there[name] = f.Bytes
		files, bytes = files+1, bytes+f.Bytes
	}
	return files, bytes, nil
}

// publish writes the manifest under the next number, and takes it back if the place was lost meanwhile: its files may have been removed.
func (k *Keeper) publish(ctx context.Context, m *Manifest) error {
	var numbers []int64
	if err := retry(ctx, func() (err error) { numbers, err = k.archive.numbers(ctx); return err }); err != nil {
		return err
	}
	m.Number = 1
	if n := len(numbers); n > 0 {
		m.Number = numbers[n-1] + 1
	}
	b, err := m.encode()
	if err != nil {
		return err
	}
	if err := k.mine(ctx); err != nil {
		return err
	}
	name := manifestName(m.Number)
	err = retry(ctx, func() error {
		err := k.archive.storage.Put(ctx, name, b, "")
		if errors.Is(err, fs.ErrExist) { // an answer that was lost, or another writer
			if there, _, gerr := k.archive.storage.Get(ctx, name); gerr == nil && string(there) == string(b) {
				return nil
			}
			return fmt.Errorf("%w: %s has %s already", ErrTaken, k, name)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("write %s to %s: %w", name, k, err)
	}
	if err := k.mine(ctx); err != nil {
		if errors.Is(err, ErrTaken) {
			return errors.Join(err, k.archive.storage.Remove(ctx, name))
		}
		return err
	}
	return nil
}

// retire removes what is older than the newest checkpoints, and what crashes left.
func (k *Keeper) retire(ctx context.Context, lineage string) (Removed, error) {
	numbers, err := k.archive.numbers(ctx)
	if err != nil {
		return Removed{}, err
	}
	oldest := int64(0)
	if n := len(numbers); n > k.config.keep {
		oldest = numbers[n-k.config.keep]
	}
	return k.archive.sweep(ctx, sweeping{remove: func(n int64) bool { return n < oldest }, lineage: lineage, mine: k.mine})
}

// Tries and the first pause of a request to the place; each pause is twice the one before.
const (
	tries      = 4
	firstPause = 200 * time.Millisecond
)

// retry repeats what may have failed by chance.
func retry(ctx context.Context, f func() error) error {
	pause := firstPause
	for n := 1; ; n++ {
		err := f()
		if err == nil || n == tries || ctx.Err() != nil || lasting(err) {
			return err
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return errors.Join(err, context.Cause(ctx))
		}
		pause *= 2
	}
}

// lasting reports whether trying again would not help.
func lasting(err error) bool {
	for _, e := range []error{fs.ErrExist, fs.ErrNotExist, ErrTaken, state.ErrCorrupt} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
