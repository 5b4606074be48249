package memory

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/disk"
	"github.com/millrace/millrace/state"
)

const (
	snapshotPrefix = "state-"
	snapshotSuffix = ".snapshot"
	tempSuffix     = ".tmp"
)

// generations is the row of snapshots in a directory; one caller at a time may use it.
type generations struct {
	dir    string
	newest uint64 // 0: none yet
	size   int64
	loaded *tree // what openGenerations read
	failed error // set when it is not known any more which generation is on disk
}

func (g *generations) path(n uint64) string {
	return filepath.Join(g.dir, fmt.Sprintf("%s%016x%s", snapshotPrefix, n, snapshotSuffix))
}

// openGenerations reads the newest snapshot in dir and removes what crashes left behind.
func openGenerations(dir string) (*generations, error) {
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("memory: open: %w", err)
	}
	var found []uint64
	var stale []string
	for _, e := range names {
		name := e.Name()
		if strings.HasPrefix(name, snapshotPrefix) && strings.HasSuffix(name, snapshotSuffix+tempSuffix) {
			stale = append(stale, filepath.Join(dir, name))
			continue
		}
		if n, ok := generation(name); ok {
			found = append(found, n)
		}
	}
	g := &generations{dir: dir, loaded: newTree()}
	if len(found) > 0 {
		slices.Sort(found)
		g.newest = found[len(found)-1]
		if g.loaded, g.size, err = readFile(g.path(g.newest)); err != nil {
			return nil, fmt.Errorf("memory: open: %w", err)
		}
		for _, n := range found[:len(found)-1] {
			stale = append(stale, g.path(n))
		}
	}
	for _, path := range stale {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("memory: open: remove what a crash left: %w", err)
		}
	}
	return g, nil
}

func generation(name string) (uint64, bool) {
	digits, ok := strings.CutPrefix(name, snapshotPrefix)
	if !ok {
		return 0, false
	}
	digits, ok = strings.CutSuffix(digits, snapshotSuffix)
	if !ok || len(digits) != 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 64)
	return n, err == nil && n > 0
}

func readFile(path string) (*tree, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, joinClose(err, f)
	}
	t, err := readSnapshot(f, info.Size())
	if err != nil {
		return nil, 0, joinClose(fmt.Errorf("%s: %w", path, err), f)
	}
	return t, info.Size(), f.Close()
}

// write makes t the newest generation and returns its size. An error before the rename leaves the older one in place and can be tried again; with one after it, it is
// open which of the two a crash would leave, so every later write returns it.
func (g *generations) write(t *tree) (int64, error) {
	if g.failed != nil {
		return 0, g.failed
	}
	path := g.path(g.newest + 1)
	size, err := writeSynced(path+tempSuffix, t)
	if err != nil {
		return 0, err
	}
	err = os.Rename(path+tempSuffix, path)
	if err == nil {
		err = disk.SyncDir(g.dir)
	}
	if err != nil {
		g.failed = fmt.Errorf("%w: %s: which commit is its last shows then: %w", state.ErrFailed, g.dir, err)
		return 0, g.failed
	}
	if g.newest > 0 {
		// A file that stays is removed by the next open: this commit is durable.
		_ = os.Remove(g.path(g.newest))
	}
	g.newest++
	g.size = size
	return size, nil
}

func writeSynced(path string, t *tree) (int64, error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	size, err := writeSnapshot(f, t)
	if err == nil {
		err = f.Sync()
	}
	if err = joinClose(err, f); err != nil {
		return 0, errors.Join(fmt.Errorf("%s: %w", path, err), os.Remove(path))
	}
	return size, nil
}
