package savepoint

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/millrace/millrace/state"
)

// Savepoint is one that can be read. It is immutable and safe for concurrent use; it holds no file open.
type Savepoint struct {
	dir      string
	manifest *Manifest
}

// Open reads a savepoint's manifest and checks its format and checksum. The files are verified when they are read, or by Verify.
func Open(dir string) (*Savepoint, error) {
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	return &Savepoint{dir, m}, nil
}

// Manifest says what the savepoint holds; it must not be changed.
func (s *Savepoint) Manifest() *Manifest { return s.manifest }

// Verify reads all of it: every file is there, is what the manifest says, and there is no other. What it finds names the file and wraps state.ErrCorrupt.
func (s *Savepoint) Verify() error {
	if err := s.foreign(); err != nil {
		return err
	}
	for _, f := range s.manifest.Files {
		if _, err := s.file(f, func(_, _ []byte) bool { return true }); err != nil {
			return err
		}
	}
	return nil
}

// foreign refuses what is not in the manifest: such a directory was mixed from others.
func (s *Savepoint) foreign() error {
	names, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("savepoint: %w", err)
	}
	for _, n := range names {
		known := n.Name() == manifestName || slices.ContainsFunc(s.manifest.Files, func(f File) bool { return f.Name == n.Name() })
		if !known {
			return fmt.Errorf("savepoint: %s: %w: the manifest does not know the file; if it was put there, take it away", filepath.Join(s.dir, n.Name()), state.ErrCorrupt)
		}
	}
	return nil
}

// file reads one file; see readFile.
func (s *Savepoint) file(f File, visit func(key, value []byte) bool) (whole bool, err error) {
	path := filepath.Join(s.dir, f.Name)
	in, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, fmt.Errorf("savepoint: %s: %w: the file is missing", path, state.ErrCorrupt)
	}
	if err != nil {
		return false, fmt.Errorf("savepoint: %w", err)
	}
	defer func() { _ = in.Close() }() // it was only read
	at, _ := parseName(f.Name)        // readManifest has checked it
	if whole, err = readFile(in, at, f, visit); err != nil {
		return false, fmt.Errorf("savepoint: %s: %w", path, err)
	}
	return whole, nil
}

// Scan calls visit with each key in [from, to) in order until it returns false, as the Scan of a state.Store does. A file that is read to its end is verified.
func (s *Savepoint) Scan(from, to []byte, visit func(key, value []byte) bool) error {
	for _, f := range s.manifest.Files {
		at, _ := parseName(f.Name)
		first, end := at.bounds()
		if bytes.Compare(end, from) <= 0 || to != nil && bytes.Compare(first, to) >= 0 {
			continue
		}
		stopped := false
		_, err := s.file(f, func(key, value []byte) bool {
			if bytes.Compare(key, from) < 0 {
				return true
			}
			stopped = to != nil && bytes.Compare(key, to) >= 0 || !visit(key, value)
			return !stopped
		})
		if err != nil || stopped {
			return err
		}
	}
	return nil
}
