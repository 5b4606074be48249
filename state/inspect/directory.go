package inspect

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/state/savepoint"
)

// ErrNoState is returned by Open where a directory holds neither a state nor a savepoint.
var ErrNoState = errors.New("there is no state and no savepoint here")

// Directory is a state directory or a savepoint that is open, to be read or edited.
type Directory struct {
	savepoint.Scanner
	// Kind is "savepoint", or the backend: "pebble" or "memory".
	Kind  string
	store state.Store // nil for a savepoint
	close func() error
}

// Close gives the directory back.
func (d *Directory) Close() error { return d.close() }

// Open opens what is in dir. It never makes anything: a directory without a state is an error. Where a running job has it, the error wraps state.ErrLocked.
func Open(dir string) (*Directory, error) {
	kind, err := kindOf(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	var backend state.Backend
	switch kind {
	case "savepoint":
		sp, err := savepoint.Open(dir)
		if err != nil {
			return nil, err
		}
		return &Directory{sp, kind, nil, func() error { return nil }}, nil
	case "memory":
		backend = memory.Backend()
	default:
		backend = pebble.Backend()
	}
	store, err := backend.Open(dir, 0)
	if errors.Is(err, state.ErrLocked) {
		return nil, fmt.Errorf("%s: a job is running on this state; stop it first, or look into a savepoint: %w", dir, err)
	}
	if err != nil {
		return nil, err
	}
	return &Directory{store, kind, store, store.Close}, nil
}

// kindOf tells by the names of the files.
func kindOf(dir string) (string, error) {
	names, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	kind := ""
	for _, n := range names {
		switch name := n.Name(); {
		case name == "manifest.json":
			return "savepoint", nil
		case strings.HasPrefix(name, "state-") && filepath.Ext(name) == ".snapshot":
			kind = "memory"
		case strings.HasPrefix(name, "MANIFEST-"):
			kind = "pebble"
		case name == "run.kv":
			return "", savepoint.ErrIncomplete
		}
	}
	if kind == "" {
		return "", ErrNoState
	}
	return kind, nil
}
