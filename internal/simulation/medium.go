package simulation

import (
	"io"
	"log/slog"
	"math/rand/v2"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/state"
	memorystate "github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/state/pebble"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// medium is where the state lies, and what of it a crash leaves.
type medium interface {
	open() (state.Store, error)
	crash()
}

// oneInPebble is how many courses there are to one whose state is in Pebble, which takes longer to open.
const oneInPebble = 5

func newMedium(p Plan, r *rand.Rand) medium {
	if !p.Calm && r.IntN(oneInPebble) == 0 {
		return &disk{vfs.NewCrashableMem()}
	}
	s, err := memorystate.Backend().Open("", 0)
	if err != nil {
		panic(err) // it has nothing that could fail
	}
	return shelf{unclosed{s}}
}

// shelf is a store in memory that all processes share: a commit that was made stays.
type shelf struct{ unclosed }

func (s shelf) open() (state.Store, error) { return s.unclosed, nil }
func (shelf) crash()                       {}

type unclosed struct{ state.Store }

// Close leaves the state to the next process.
func (unclosed) Close() error { return nil }

// disk is Pebble on a file system that forgets in a crash what was not synced.
type disk struct{ fs *vfs.MemFS }

func (d *disk) open() (state.Store, error) {
	return pebble.Backend(pebble.FS(d.fs), pebble.Logger(quiet)).Open("state", 4<<20)
}

// crash leaves nothing that was not synced: part of it would be chosen by the order of a map. What still runs of the process goes on with the files as they were.
func (d *disk) crash() { d.fs = d.fs.CrashClone(vfs.CrashCloneCfg{}) }
