// Package memory keeps state in memory, in an ordered map, and if it is given a directory makes every commit durable by writing all of it to a snapshot file.
//
// With a directory a commit costs time and disk in proportion to the whole state, not to what it writes, so commits are grouped: while a snapshot is
// written, the commits that arrive wait and go out together with the next one. State of more than a few hundred megabytes belongs to the Pebble backend.
//
// Reads see only what is durable. They take no lock, and neither wait for a commit nor hold one up.
//
// # Files
//
// A directory holds LOCK and one snapshot, state-<generation>.snapshot, the generation in 16 hexadecimal digits. The next one is written under a temporary name,
// synced, renamed, and the directory synced; then the older one is removed. After a crash between these steps the newest generation counts; a snapshot
// under its own name is whole, so damage in it is reported and never answered by going back to an older one. See snapshot.go for the format.
package memory

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/millrace/millrace/state"
)

type backend struct{}

// Backend returns the memory backend. It is immutable and safe for concurrent use.
func Backend() state.Backend { return backend{} }

func (backend) String() string { return "memory" }

// Open opens or creates the store in dir; with an empty dir nothing is written to disk. All state is in memory whatever memoryBytes says.
// Damage wraps state.ErrCorrupt and names file and offset; a directory that another process or store has open gives state.ErrLocked.
func (backend) Open(dir string, memoryBytes int64) (state.Store, error) {
	s := &store{turn: make(chan struct{}, 1)}
	if dir == "" {
		s.content.Store(newTree())
		return s, nil
	}
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("memory: create %s: %w", dir, err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	g, err := openGenerations(dir)
	if err != nil {
		return nil, joinClose(err, lock)
	}
	if err := os.RemoveAll(filepath.Join(dir, imagesDir)); err != nil {
		return nil, joinClose(fmt.Errorf("memory: remove what a crash left: %w", err), lock)
	}
	s.content.Store(g.loaded)
	g.loaded = nil
	s.disk, s.lock = g, lock
	s.diskBytes.Store(g.size)
	return s, nil
}
