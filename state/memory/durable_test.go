package memory

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/state"
)

func open(t *testing.T, dir string) *store {
	t.Helper()
	s, err := Backend().Open(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s.(*store)
}

func set(t *testing.T, s state.Store, key, value string) {
	t.Helper()
	var b state.Batch
	b.Set([]byte(key), []byte(value))
	if err := s.Commit(&b); err != nil {
		t.Fatal(err)
	}
}

func snapshots(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "state-*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// Commits that come while a snapshot is written go out together: here all of them, since the turn is held while they arrive.
func TestCommitsAreGrouped(t *testing.T) {
	const callers = 50
	s := open(t, t.TempDir())
	s.turn <- struct{}{}
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			var b state.Batch
			b.Set(fmt.Append(nil, i), []byte("x"))
			if err := s.Commit(&b); err != nil {
				t.Error(err)
			}
		})
	}
	for {
		s.mu.Lock()
		waiting := s.next != nil && len(s.next.batches) == callers
		s.mu.Unlock()
		if waiting {
			break
		}
	}
	<-s.turn
	wg.Wait()
	if s.disk.newest != 1 {
		t.Errorf("%d commits took %d snapshots, want 1", callers, s.disk.newest)
	}
	if st := s.Stats(); st.Commits != callers {
		t.Errorf("stats count %d commits, want %d", st.Commits, callers)
	}
}

func TestOneGenerationIsKept(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for i := range 3 {
		set(t, s, "k", fmt.Sprint(i))
	}
	if got := snapshots(t, dir); len(got) != 1 || !strings.HasSuffix(got[0], "state-0000000000000003.snapshot") {
		t.Errorf("snapshots %q, want the third alone", got)
	}
}

// A crash after the rename leaves two generations, one before it a temporary file.
func TestCrashBetweenSteps(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	set(t, s, "k", "old")
	old, err := os.ReadFile(s.disk.path(1))
	if err != nil {
		t.Fatal(err)
	}
	set(t, s, "k", "new")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{s.disk.path(1), s.disk.path(3) + tempSuffix} {
		if err := os.WriteFile(name, old[:len(old)/2], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, dir)
	if v, _, err := s.Get([]byte("k"), nil); err != nil || string(v) != "new" {
		t.Errorf("get = %q, %v; want the newest generation's", v, err)
	}
	if got := snapshots(t, dir); len(got) != 1 {
		t.Errorf("left-overs stay: %q", got)
	}
}

// Damage in the newest generation is an error, though an older one could be read.
func TestNoFallBackToOlderGeneration(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	set(t, s, "k", "old")
	old, err := os.ReadFile(s.disk.path(1))
	if err != nil {
		t.Fatal(err)
	}
	set(t, s, "k", "new")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	newest, err := os.ReadFile(s.disk.path(2))
	if err != nil {
		t.Fatal(err)
	}
	newest[len(newest)-1] ^= 1
	if err := errors.Join(os.WriteFile(s.disk.path(1), old, 0o600), os.WriteFile(s.disk.path(2), newest, 0o600)); err != nil {
		t.Fatal(err)
	}
	_, err = Backend().Open(dir, 0)
	if !errors.Is(err, state.ErrCorrupt) || !strings.Contains(err.Error(), s.disk.path(2)) || !regexp.MustCompile(`offset \d+`).MatchString(err.Error()) {
		t.Errorf("open: %v; want state.ErrCorrupt with file and offset", err)
	}
}

// A commit that cannot be written is not seen, and does not keep later ones from working.
func TestCommitThatFailsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	set(t, s, "k", "old")
	blocked := s.disk.path(2) + tempSuffix
	if err := os.MkdirAll(filepath.Join(blocked, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	var b state.Batch
	b.Set([]byte("k"), []byte("new"))
	if err := s.Commit(&b); err == nil || !strings.Contains(err.Error(), blocked) {
		t.Fatalf("commit: %v; want an error that names %s", err, blocked)
	}
	if v, _, _ := s.Get([]byte("k"), nil); string(v) != "old" {
		t.Errorf("get after the failed commit = %q", v)
	}
	if err := os.RemoveAll(blocked); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(&b); err != nil {
		t.Fatal(err)
	}
	if v, _, _ := s.Get([]byte("k"), nil); string(v) != "new" {
		t.Errorf("get after the second try = %q", v)
	}
}

func TestTruncatedSnapshotIsDamage(t *testing.T) {
	var whole bytes.Buffer
	tree := newTree()
	for i := range 5000 {
		tree.ReplaceOrInsert(fmt.Appendf(nil, "%05d", i), make([]byte, 50))
	}
	if _, err := writeSnapshot(&whole, tree); err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut < whole.Len(); cut += 1 + cut/7 {
		if _, err := readSnapshot(bytes.NewReader(whole.Bytes()[:cut]), int64(cut)); !errors.Is(err, state.ErrCorrupt) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	longer := append(whole.Bytes(), 0)
	if _, err := readSnapshot(bytes.NewReader(longer), int64(len(longer))); !errors.Is(err, state.ErrCorrupt) {
		t.Errorf("one byte more: %v", err)
	}
}

func FuzzReadSnapshot(f *testing.F) {
	var whole bytes.Buffer
	tree := newTree()
	for i := range 20 {
		tree.ReplaceOrInsert(fmt.Appendf(nil, "%05d", i), make([]byte, i))
	}
	if _, err := writeSnapshot(&whole, tree); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes())
	f.Add(header())
	f.Fuzz(func(t *testing.T, p []byte) {
		got, err := readSnapshot(bytes.NewReader(p), int64(len(p)))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if _, err := writeSnapshot(&again, got); err != nil {
			t.Fatal(err)
		}
		if _, err := readSnapshot(&again, int64(again.Len())); err != nil {
			t.Fatalf("what was read cannot be written and read again: %v", err)
		}
	})
}
