//go:build integration

package chaos

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// diskFull is what a process that ends because of it must say.
const diskFull = "no space left on device"

// smallDisk mounts a disk of its own at dir that can be filled without harm, and reports whether the machine lets the test do that. It is kept if the test fails.
func smallDisk(t *testing.T, dir string) bool {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Logf("no disk is filled: mounting one: %v: %s", err, out)
		return false
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s is a mounted tmpfs", dir)
			return
		}
		require.NoError(t, exec.Command("umount", dir).Run())
	})
	return true
}

// fillDisk fills the disk under the job's state and sink for a while.
func fillDisk(_ context.Context, _ *world, s jobSpec) (err error) {
	ballast, err := os.Create(filepath.Join(s.Dir, "ballast"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ballast.Close(), os.Remove(ballast.Name())) }()
	block := make([]byte, 1<<20)
	var full time.Time
	for full.IsZero() || time.Since(full) < 1500*time.Millisecond { // what the job frees meanwhile is taken too
		_, err := ballast.Write(block)
		switch {
		case err == nil:
		case !errors.Is(err, syscall.ENOSPC):
			return err
		case len(block) > 1<<12:
			block = block[:len(block)/2]
		case full.IsZero():
			full = time.Now()
		default:
			time.Sleep(10 * time.Millisecond)
		}
	}
	return nil
}
