package memory

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/millrace/millrace/internal/disk"
)

// imagesDir is the directory below the store's in which images are made.
const imagesDir = "image"

// Flush implements state.Imager: a commit that has returned is in the snapshot already.
func (s *store) Flush(context.Context) error { return s.open() }

// Image implements state.Imager: the snapshot of the last commit under a second name. It waits for the commit under way.
func (s *store) Image(dir string) error {
	if err := s.open(); err != nil {
		return err
	}
	if s.disk == nil {
		return fmt.Errorf("memory: image: the store has no directory: %w", errors.ErrUnsupported)
	}
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if err := s.open(); err != nil {
		return err
	}
	if err := s.disk.image(dir); err != nil {
		return fmt.Errorf("memory: image in %s: %w", dir, err)
	}
	return nil
}

// image links the newest generation into a new directory. A generation is never written to once it has its name.
func (g *generations) image(dir string) error {
	if g.failed != nil {
		return g.failed
	}
	if g.newest == 0 {
		return errors.New("nothing was committed yet")
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	name := g.path(g.newest)
	if err := os.Link(name, filepath.Join(dir, filepath.Base(name))); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	return disk.SyncDir(dir)
}
