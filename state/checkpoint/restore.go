package checkpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/millrace/millrace/internal/disk"
	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/state"
)

// Verify reads all files of a checkpoint and compares them with the manifest. What is missing or damaged is named, and wraps state.ErrCorrupt.
func (a *Archive) Verify(ctx context.Context, number int64) (*Manifest, error) {
	m, err := a.Manifest(ctx, number)
	if err != nil {
		return nil, err
	}
	for _, f := range m.Files {
		if err := a.read(ctx, m, f, io.Discard); err != nil {
			return m, err
		}
	}
	return m, nil
}

// read writes a file's content to w, and fails where it is not what the manifest says.
func (a *Archive) read(ctx context.Context, m *Manifest, f File, w io.Writer) error {
	where := fmt.Sprintf("%s/%s (%s of checkpoint %d)", a.storage, m.stored(f), f.Name, m.Number)
	const instead = "take another checkpoint, or put the file back"
	r, err := a.storage.Download(ctx, m.stored(f))
	if err == nil {
		h := sha256.New()
		var n int64
		n, err = io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(w, h)}, bounded{ctx, io.LimitReader(r, f.Bytes+1)}, make([]byte, copyBytes))
		err = errors.Join(err, r.Close())
		if sum := hex.EncodeToString(h.Sum(nil)); err == nil && (n != f.Bytes || sum != f.SHA256) {
			return fmt.Errorf("%w: %s: its content is not what the manifest says: %s", state.ErrCorrupt, where, instead)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is missing: %s", state.ErrCorrupt, where, instead)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	return nil
}

// restoreSuffix is at the end of a directory's name until all of it is there.
const restoreSuffix = ".restoring"

// Restore makes a state directory of a checkpoint for a job with that name, on the backend that the checkpoint is of; any name will do where job is empty. dir must not exist or
// be empty. The files are verified on their way, the state is opened and compared with the manifest, and dir takes its name when all of that is done: a restore that
// fails or is cut short leaves no state that a job could begin with. A Backend with a file system of its own is not for Restore.
func (a *Archive) Restore(ctx context.Context, number int64, job string, b state.Backend, dir string) (*Manifest, error) {
	m, err := a.Manifest(ctx, number)
	if err != nil {
		return nil, err
	}
	if job != "" && m.Job != job {
		return nil, fmt.Errorf("%w: %s of %s is of job %q, this is %q", ErrForeign, manifestName(number), a.storage, m.Job, job)
	}
	if m.Store != b.String() {
		return nil, fmt.Errorf("%w: %s of %s is of the backend %s, this is %s: restore it for that one, and change over by a savepoint", ErrForeign, manifestName(number), a.storage, m.Store, b)
	}
	if err := a.restore(ctx, m, b, filepath.Clean(dir)); err != nil {
		return nil, fmt.Errorf("restore checkpoint %d to %s: %w", number, dir, err)
	}
	return m, nil
}

func (a *Archive) restore(ctx context.Context, m *Manifest, b state.Backend, dir string) (err error) {
	if names, err := os.ReadDir(dir); err == nil && len(names) > 0 {
		return ErrExists
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeDir(filepath.Dir(dir)); err != nil {
		return err
	}
	unfinished := dir + restoreSuffix
	if err := os.Mkdir(unfinished, 0o755); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s is there: another restore is under way, or one was cut short; in that case remove it", unfinished)
		}
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(unfinished))
		}
	}()
	for _, f := range m.Files {
		if err := a.download(ctx, m, f, filepath.Join(unfinished, f.Name)); err != nil {
			return err
		}
	}
	if err := disk.SyncDir(unfinished); err != nil {
		return err
	}
	if err := m.tryState(b, unfinished); err != nil {
		return err
	}
	if err := ignoreMissing(os.Remove(dir)); err != nil { // it is empty, and some systems rename over nothing else
		return err
	}
	if err := os.Rename(unfinished, dir); err != nil {
		return err
	}
	return disk.SyncDir(filepath.Dir(dir))
}

func (a *Archive) download(ctx context.Context, m *Manifest, f File, path string) (err error) {
	return retry(ctx, func() (err error) {
		out, err := os.Create(path)
		if err != nil {
			return err
		}
		if err := a.read(ctx, m, f, out); err != nil {
			return errors.Join(err, out.Close())
		}
		return errors.Join(out.Sync(), out.Close())
	})
}

// tryState opens the restored state and compares what it says of itself with the manifest.
func (m *Manifest) tryState(b state.Backend, dir string) (err error) {
	store, err := b.Open(dir, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	saved, err := runtime.ReadSaved(store)
	if err != nil {
		return err
	}
	if saved.Job != m.Job || saved.Format != m.StateFormat || !maps.Equal(saved.Epochs, m.Epochs) || !slices.Equal(splitsOf(saved), m.Splits) {
		return fmt.Errorf("%w: the state in the files of checkpoint %d is not what its manifest says: take another checkpoint", state.ErrCorrupt, m.Number)
	}
	return nil
}
