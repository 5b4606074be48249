package savepoint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/millrace/millrace/internal/disk"
	"github.com/millrace/millrace/internal/runtime"
)

// Scanner is what is read of a state: a state.Store that no job writes to, or a Savepoint. Scan is that of state.Store.
type Scanner interface {
	Scan(from, to []byte, visit func(key, value []byte) bool) error
}

// Write makes a savepoint of a stopped job's state in dir, which must not exist or be empty, and returns its manifest. It reads the state once, in order, and holds one
// entry at a time. What it wrote is durable when it returns; if it fails, it removes what it wrote. It refuses a state that holds anything of unknown form.
func Write(from Scanner, dir string) (m *Manifest, err error) {
	saved, err := runtime.ReadSaved(from)
	if err != nil {
		return nil, fmt.Errorf("savepoint %s: %w", dir, err)
	}
	if err := makeEmpty(dir); err != nil {
		return nil, fmt.Errorf("savepoint %s: %w", dir, err)
	}
	w := &writer{dir: dir, manifest: newManifest(saved)}
	if err := w.write(from); err != nil {
		return nil, errors.Join(fmt.Errorf("savepoint %s: %w", dir, err), w.remove())
	}
	return w.manifest, nil
}

// Free reports whether Write could begin in dir: it does not exist, or is empty. Else the error wraps ErrExists, or says what is wrong with it.
func Free(dir string) error {
	names, err := os.ReadDir(dir)
	switch {
	case err == nil && len(names) > 0:
		return ErrExists
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return err
	}
	return nil
}

// makeEmpty makes dir with its parents, or takes it if it is empty.
func makeEmpty(dir string) error {
	if err := Free(dir); err != nil {
		return err
	}
	return os.MkdirAll(dir, 0o755)
}

type writer struct {
	dir      string
	manifest *Manifest
	at       section
	file     *fileWriter // of the section at hand, nil before the first
	made     []string
}

func (w *writer) write(from Scanner) error {
	var bad error
	err := from.Scan(nil, nil, func(key, value []byte) bool {
		bad = w.entry(key, value)
		return bad == nil
	})
	if err := errors.Join(bad, err, w.endFile()); err != nil {
		return err
	}
	b, err := w.manifest.encode()
	if err != nil {
		return err
	}
	if err := disk.SyncDir(w.dir); err != nil {
		return err
	}
	return w.publish(b)
}

// publish writes the manifest under another name first, so that one under its own is whole.
func (w *writer) publish(manifest []byte) error {
	path := filepath.Join(w.dir, manifestName)
	w.made = append(w.made, path+".tmp", path)
	if err := writeSynced(path+".tmp", manifest); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	return errors.Join(disk.SyncDir(w.dir), disk.SyncDir(filepath.Dir(filepath.Clean(w.dir))))
}

func (w *writer) entry(key, value []byte) error {
	at, ok := sectionOf(key)
	if !ok {
		return unknownForm(key)
	}
	if w.file == nil || at != w.at {
		if err := w.endFile(); err != nil {
			return err
		}
		path := filepath.Join(w.dir, at.name())
		w.made = append(w.made, path)
		f, err := createFile(path)
		if err != nil {
			return err
		}
		w.at, w.file = at, f
	}
	if err := w.manifest.count(at, key, value, w.file.entries == 0); err != nil {
		return err
	}
	return w.file.entry(key, value)
}

func (w *writer) endFile() error {
	if w.file == nil {
		return nil
	}
	f := w.file
	w.file = nil
	sum, err := f.finish()
	if err != nil {
		return fmt.Errorf("%s: %w", w.at.name(), err)
	}
	w.manifest.Files = append(w.manifest.Files, File{Name: w.at.name(), Entries: f.entries, Bytes: f.bytes, SHA256: sum})
	return nil
}

// remove takes back what a failed write left. The directory stays, in case it was there before.
func (w *writer) remove() (err error) {
	for _, path := range w.made {
		if e := os.Remove(path); e != nil && !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
