package pebble_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/millrace/millrace/internal/nightly"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/pebble"
)

// life is a store from its creation on: commits through the log, commits that are linked in as tables, flushes, and openings again. Each commit writes its number under
// every key.
type life struct {
	reopens  bool
	returned atomic.Int64 // commits that returned
	begun    atomic.Int64
}

const (
	lifeKeys    = 60
	lifeCommits = 12
	// Commits are about 60 kB, and 400 kB now and then: in all more than a memtable, so that some are flushed.
	usual, large = 1000, 7000
)

var lifeOptions = []pebble.Option{quiet, pebble.IngestOver(1<<30, lifeKeys*5000)}

func lived(fs vfs.FS) (state.Store, error) {
	return pebble.Backend(append(lifeOptions, pebble.FS(fs))...).Open("a/db", 4<<20)
}

// live lives it on a file system until something fails.
func (l *life) live(fs vfs.FS) error {
	s, err := lived(fs)
	if err != nil {
		return err
	}
	for n := range lifeCommits {
		if l.reopens && n%5 == 4 {
			if err := s.Close(); err != nil {
				return err
			}
			if s, err = lived(fs); err != nil {
				return err
			}
		}
		size := usual
		if n%3 == 2 {
			size = large
		}
		l.begun.Add(1)
		if err := s.Commit(lifeBatch(n+1, size)); err != nil {
			return errors.Join(err, s.Close())
		}
		l.returned.Add(1)
	}
	return s.Close()
}

func lifeBatch(n, size int) *state.Batch {
	b := new(state.Batch)
	r := rand.New(rand.NewPCG(uint64(n), 0))
	noise := make([]byte, size)
	for i := range noise {
		noise[i] = byte(r.IntN(256)) // nothing to compress
	}
	for i := range lifeKeys {
		b.Set(fmt.Appendf(nil, "%03d", i), append(fmt.Appendf(nil, "%06d", n), noise...))
	}
	return b
}

// look opens what is left of a store and checks that it is whole: that of one commit between the two, and that one more can be made.
func look(fs vfs.FS, least, most int64) error {
	s, err := lived(fs)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer s.Close()
	keys, numbers := 0, map[string]int{}
	if err := s.Scan(nil, nil, func(_, v []byte) bool { keys++; numbers[string(v[:6])]++; return true }); err != nil {
		return fmt.Errorf("scan: %w", err)
	}
	if keys == 0 && least == 0 {
		return s.Commit(lifeBatch(1, usual))
	}
	for n := least; n <= most; n++ {
		if n > 0 && numbers[fmt.Sprintf("%06d", n)] == lifeKeys && keys == lifeKeys {
			return s.Commit(lifeBatch(int(n)+1, usual))
		}
	}
	return fmt.Errorf("%d keys of commits %v, want %d of one commit from %d to %d", keys, numbers, lifeKeys, least, most)
}

func writes(op errorfs.Op) bool {
	return op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpFileClose
}

// Before every single write, sync, creation, rename and removal of a store's life the power is lost, and none, some or all of what was not synced is left, in pieces: what
// then is opened holds each commit that returned, and of the one under way all or nothing. The power is lost again while it is opened.
func TestPowerLossAtEveryBoundary(t *testing.T) {
	points := 0
	var mu sync.Mutex
	l := &life{reopens: true}
	mem := vfs.NewCrashableMem()
	ops := 0
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if !writes(op) {
			return nil
		}
		mu.Lock() // one after another: what a clone holds is what was there at one boundary
		defer mu.Unlock()
		ops++
		if ops%nightly.Pick(9, 1) > 0 {
			return nil
		}
		torn := nightly.Pick(1, 3)
		for left := range torn + 2 {
			unsynced := 50
			switch left {
			case 0:
				unsynced = 0
			case 1:
				unsynced = 100
			}
			chance := rand.New(rand.NewPCG(uint64(ops), uint64(left)))
			least := l.returned.Load()
			clone := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsynced, RNG: chance})
			again, err := openUntil(clone, chance)
			if err == nil {
				err = look(again, least, l.begun.Load())
			}
			if err != nil {
				t.Errorf("power lost before operation %d (%v), %d %% of what was not synced left: %v", ops, op, unsynced, err)
			}
			points += 2
		}
		return nil
	}))
	if err := l.live(fs); err != nil {
		t.Fatal(err)
	}
	if err := look(mem, lifeCommits, lifeCommits); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d operations, %d crash points", ops, points)
	nightly.Record(t, nightly.Figures{Part: "power loss at every boundary of a store", CrashPoints: int64(points), Faults: map[string]int64{"power lost": int64(points)}})
}

// openUntil opens a store and loses power at some operation of that; it returns what is left.
func openUntil(mem *vfs.MemFS, chance *rand.Rand) (*vfs.MemFS, error) {
	at, unsynced := chance.IntN(25), 50*chance.IntN(3)
	left := mem
	var n atomic.Int64
	var mu sync.Mutex
	s, err := lived(errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if writes(op) && n.Add(1) == int64(at) {
			mu.Lock()
			left = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsynced, RNG: chance})
			mu.Unlock()
		}
		return nil
	})))
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	if err := s.Close(); err != nil {
		return nil, fmt.Errorf("close: %w", err)
	}
	mu.Lock()
	defer mu.Unlock()
	return left, nil
}

// A store whose log is replayed on a disk that takes no tables is not opened: what is replayed has to be flushed, and Pebble would try that for ever.
func TestOpenOnABrokenDisk(t *testing.T) {
	mem := vfs.NewCrashableMem()
	s, err := lived(mem)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(lifeBatch(1, usual)); err != nil {
		t.Fatal(err)
	}
	left := mem.CrashClone(vfs.CrashCloneCfg{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	broken := errorfs.Wrap(left, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpCreate && strings.HasSuffix(op.Path, ".sst") {
			return syscall.ENOSPC
		}
		return nil
	}))
	within(t, "opening", func() {
		if s, err := lived(broken); !errors.Is(err, syscall.ENOSPC) {
			if err == nil {
				_ = s.Close()
			}
			t.Errorf("%v, want the disk's error", err)
		}
	})
	if err := look(left, 1, 1); err != nil {
		t.Errorf("on the mended disk: %v", err)
	}
}

// A disk that refuses an operation of a store's life, or all from one on, because it is broken or full, ends it with the disk's error or is worked around; what
// is opened on the mended disk, as it is or after a power loss, holds each commit that returned, and of the one under way all or nothing.
func TestRefusalAtBoundaries(t *testing.T) {
	ops := int64(0)
	count := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if writes(op) {
			atomic.AddInt64(&ops, 1)
		}
		return nil
	})
	if err := new(life).live(errorfs.Wrap(vfs.NewCrashableMem(), count)); err != nil {
		t.Fatal(err)
	}
	// A store that has failed takes its time to be closed, and leaves memory behind: so many operations, evenly spread, at the same time.
	points := int64(nightly.Pick(3, 40))
	var wg sync.WaitGroup
	for i, refusal := range []error{syscall.ENOSPC, syscall.EIO} {
		for j, once := range []bool{false, true} {
			for n := range points {
				at := 1 + (n*4+int64(2*i+j))*ops/(4*points)
				wg.Go(func() {
					if err := refuse(refusal, once, at); err != nil {
						t.Errorf("operation %d of %d, %v, once=%v: %v", at, ops, refusal, once, err)
					}
				})
			}
		}
	}
	wg.Wait()
	nightly.Record(t, nightly.Figures{Part: "disk refuses at boundaries of a store", CrashPoints: 4 * points, Faults: map[string]int64{"disk full": 2 * points, "I/O error": 2 * points}})
}

func refuse(refusal error, once bool, at int64) error {
	mem, l := vfs.NewCrashableMem(), &life{}
	var n atomic.Int64
	err := l.live(errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if !writes(op) {
			return nil
		}
		if i := n.Add(1); i == at || i > at && !once {
			return refusal
		}
		return nil
	})))
	switch {
	case err == nil && !once && n.Load() > at:
		return errors.New("everything was refused, and nothing said so")
	case err != nil && !strings.Contains(err.Error(), refusal.Error()):
		return fmt.Errorf("%w, want the disk's error", err)
	}
	least, most := l.returned.Load(), l.begun.Load()
	lost := mem.CrashClone(vfs.CrashCloneCfg{})
	return errors.Join(look(mem, least, most), look(lost, least, most))
}
