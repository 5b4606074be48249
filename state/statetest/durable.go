package statetest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/state"
)

func testReopen(t *testing.T, f *fixture) {
	f.reopen()
	f.wantAll()
	for round := range 5 {
		var b state.Batch
		for i := range 200 {
			b.Set(fmt.Appendf(nil, "%d-%d", i%7, i*round), fmt.Append(nil, round))
		}
		b.Delete([]byte("3-3"))
		f.commit(&b)
		f.reopen()
		f.wantAll()
	}
}

// What a commit wrote is there when the process ends without closing.
func testCrash(t *testing.T, f *fixture) {
	for round := range 4 {
		f.set("round", fmt.Sprint(round), fmt.Sprint("key", round), "x", "same", fmt.Sprint("v", round))
		copied := &fixture{t: t, backend: f.backend, dir: copyDir(t, f.dir), model: f.model}
		copied.open()
		copied.wantAll()
		// And it goes on from there.
		copied.model = model{}
		copied.model.applyAll(f.model)
		copied.set("after", "the crash")
		copied.reopen()
		copied.wantAll()
		if err := copied.store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func (m model) applyAll(other model) {
	for k, v := range other {
		m[k] = v
	}
}

func testCreatesDirectory(t *testing.T, b state.Backend) {
	f := newFixture(t, b, filepath.Join(t.TempDir(), "not", "there", "yet"))
	f.set("a", "1")
	f.reopen()
	f.wantAll()

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := b.Open(filepath.Join(file, "dir"), 0); err == nil {
		_ = s.Close()
		t.Error("opening a directory below a file succeeded")
	} else if errors.Is(err, state.ErrLocked) || errors.Is(err, state.ErrCorrupt) {
		t.Errorf("opening a directory below a file: %v", err)
	}
}

// In the process that testLock starts, the directory to try.
const lockedDirEnv = "MILLRACE_STATETEST_LOCKED_DIR"

func testLock(t *testing.T, f *fixture) {
	f.set("a", "1")
	expectLocked(t, f.backend, f.dir)
	cmd := exec.Command(os.Args[0], "-test.run=^"+strings.SplitN(t.Name(), "/", 2)[0]+"$", "-test.v")
	cmd.Env = append(os.Environ(), lockedDirEnv+"="+f.dir)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), lockedMark) {
		t.Errorf("another process: %v\n%s", err, out)
	}
	f.set("b", "2")
	f.reopen()
	f.wantAll()
}

const lockedMark = "refused as it should be"

func expectLocked(t *testing.T, b state.Backend, dir string) {
	t.Helper()
	s, err := b.Open(dir, memoryBytes)
	if err == nil {
		_ = s.Close()
		t.Fatal("opening a directory that is open succeeded")
	}
	if !errors.Is(err, state.ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Fatalf("opening a directory that is open: %v; want one that wraps state.ErrLocked and names the directory", err)
	}
	t.Log(lockedMark)
}

// copyDir copies dir as it is at one moment, without its lock; background work may change files while it copies, so it does so until none has changed.
func copyDir(t *testing.T, dir string) string {
	t.Helper()
	const attempts = 50
	for range attempts {
		to := t.TempDir()
		before := listing(t, dir)
		if err := tryCopy(dir, to); err == nil && listing(t, dir) == before {
			return to
		}
	}
	t.Fatalf("%s did not keep still for a copy", dir)
	return ""
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if info, err := e.Info(); err == nil && !e.IsDir() {
			fmt.Fprintln(&b, path, info.Size(), info.ModTime().UnixNano())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func tryCopy(from, to string) error {
	return filepath.WalkDir(from, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if e.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		if e.Name() == "LOCK" {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o644)
	})
}
