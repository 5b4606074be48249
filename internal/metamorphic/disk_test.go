package metamorphic

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// disk is a file system that counts what is written to it and loses power before a given operation, or refuses operations from there on. After the power loss
// what runs on it goes on with a copy that nobody will see again: the rest of the world must stop listening to it, which is what dead is for.
type disk struct {
	fs  vfs.FS // what a job writes to
	mem *vfs.MemFS

	at       int64 // the operation before which something happens; negative for none
	survives int
	seed     uint64
	refusal  func(op int64) error // instead of a power loss; may be nil
	ops      atomic.Int64
	mu       sync.Mutex
	lost     atomic.Pointer[vfs.MemFS] // what is left after the power loss
}

func newDisk(mem *vfs.MemFS, at, survives int, seed uint64) *disk {
	d := &disk{mem: mem, at: int64(at), survives: survives, seed: seed}
	d.fs = errorfs.Wrap(mem, errorfs.InjectorFunc(d.before))
	return d
}

// before is called before each operation.
func (d *disk) before(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || op.Kind == errorfs.OpFileClose {
		return nil
	}
	n := d.ops.Add(1) - 1
	if d.refusal != nil {
		return d.refusal(n)
	}
	if n == d.at {
		d.cut()
	}
	return nil
}

// cut is the power loss.
func (d *disk) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lost.Load() == nil {
		d.lost.Store(d.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: d.survives, RNG: rand.New(rand.NewPCG(d.seed, 3))}))
	}
}

// dead is an error once the power is lost.
func (d *disk) dead() error {
	if d.lost.Load() != nil {
		return errBroken
	}
	return nil
}

// left is what a next run finds.
func (d *disk) left() *vfs.MemFS {
	if m := d.lost.Load(); m != nil {
		return m
	}
	return d.mem
}
