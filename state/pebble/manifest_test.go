package pebble

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/state"
)

// unclosedManifest returns a file system that holds a store as a killed process leaves it, and its manifest's path and content.
func unclosedManifest(t testing.TB) (*vfs.MemFS, string, []byte) {
	t.Helper()
	disk := vfs.NewCrashableMem()
	s := openQuiet(t, "db", 0, FS(disk))
	for i := range 4 {
		var b state.Batch
		b.Set(fmt.Append(nil, i), []byte("x"))
		if err := s.Commit(&b); err != nil {
			t.Fatal(err)
		}
		if err := s.db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	left := disk.CrashClone(vfs.CrashCloneCfg{})
	desc, err := pebble.Peek("db", left)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("db", filepath.Base(desc.ManifestFilename))
	content, err := readFile(left, path)
	if err != nil {
		t.Fatal(err)
	}
	return left, path, content
}

func reopenWith(t *testing.T, fs *vfs.MemFS, path string, content []byte) error {
	t.Helper()
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Backend(FS(fs), Logger(slog.New(slog.DiscardHandler))).Open("db", 0)
	if err == nil {
		err = s.Close()
	}
	return err
}

// Also without a seal, every flipped bit before the last record of the manifest is found; Pebble itself would go back to an older moment.
func TestManifestDamageWithoutSeal(t *testing.T) {
	_, _, content := unclosedManifest(t)
	last := 0
	for at := 0; at < len(content); at += validChunk(content, at) {
		last = at
	}
	if last == 0 {
		t.Fatal("the manifest has one record")
	}
	for at := range last {
		flipped := append([]byte(nil), content...)
		flipped[at] ^= 1
		if _, damaged := manifestDamage(flipped); !damaged {
			t.Errorf("offset %d of %d: not found", at, len(content))
		}
	}
	if at, damaged := manifestDamage(content); damaged {
		t.Errorf("a whole manifest is said to be damaged at %d", at)
	}
	for cut := range content {
		if at, damaged := manifestDamage(content[:cut]); damaged {
			t.Errorf("a manifest cut at %d is said to be damaged at %d", cut, at)
		}
	}
	fs, path, content := unclosedManifest(t)
	content[10] ^= 4
	if err := reopenWith(t, fs, path, content); !errors.Is(err, state.ErrCorrupt) || !strings.Contains(err.Error(), path) {
		t.Errorf("open: %v; want state.ErrCorrupt with %s", err, path)
	}
}

// A write that a crash cut short is not damage.
func TestTornManifestOpens(t *testing.T) {
	fs, path, content := unclosedManifest(t)
	torn := append(content, 1, 2, 3, 4, 100, 0, 1, 9, 9)
	if err := reopenWith(t, fs, path, torn); err != nil {
		t.Errorf("open: %v", err)
	}
}
