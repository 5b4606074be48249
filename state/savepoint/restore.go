package savepoint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/millrace/millrace/internal/disk"
	"github.com/millrace/millrace/state"
)

const (
	restoreBatch  = 32 << 20 // bytes held at a time
	restoreSuffix = ".restoring"
)

// Restore makes a state directory of the savepoint with the given backend. dir must not exist or be empty. All is verified while it is read and written to dir with ".restoring"
// at its end, which takes the name of dir when it is whole and closed: a restore that fails or is cut short leaves no state that a job could begin with.
// Memory is bounded for a backend that does not hold all of its state in memory. A Backend that is given a file system of its own is not for Restore.
func (s *Savepoint) Restore(b state.Backend, dir string) error {
	if err := s.restore(b, filepath.Clean(dir)); err != nil {
		return fmt.Errorf("restore to %s: %w", dir, err)
	}
	return nil
}

func (s *Savepoint) restore(b state.Backend, dir string) error {
	if err := s.foreign(); err != nil {
		return err
	}
	if names, err := os.ReadDir(dir); err == nil && len(names) > 0 {
		return ErrExists
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	temporary := dir + restoreSuffix
	if err := os.Mkdir(temporary, 0o755); err != nil {
		if errors.Is(err, os.ErrExist) {
			return fmt.Errorf("%s is there: another restore is under way, or one was cut short; in that case remove it", temporary)
		}
		return err
	}
	if err := s.fill(b, temporary); err != nil {
		return errors.Join(err, os.RemoveAll(temporary))
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) { // it is empty, and some systems rename over nothing else
		return errors.Join(err, os.RemoveAll(temporary))
	}
	if err := os.Rename(temporary, dir); err != nil {
		return errors.Join(err, os.RemoveAll(temporary))
	}
	return disk.SyncDir(filepath.Dir(dir))
}

// fill writes all files to a new store.
func (s *Savepoint) fill(b state.Backend, dir string) (err error) {
	store, err := b.Open(dir, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	batch := &state.Batch{}
	flush := func() error {
		if batch.Len() == 0 {
			return nil
		}
		full := batch
		batch = &state.Batch{}
		return store.Commit(full)
	}
	for _, f := range s.manifest.Files {
		var failed error
		_, err := s.file(f, func(key, value []byte) bool {
			batch.Set(key, value)
			if batch.Bytes() >= restoreBatch {
				failed = flush()
			}
			return failed == nil
		})
		if err := errors.Join(failed, err); err != nil {
			return err
		}
	}
	return flush()
}
