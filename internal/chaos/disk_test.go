//go:build integration

package chaos

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

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

// fillDisk fills the disk under the job's state and sink for a while. The process may end with the disk's error; then the next one goes on.
func fillDisk(t *testing.T, r *run, p *process) *process {
	t.Helper()
	require.NoError(t, fill(filepath.Join(r.spec.Dir, "ballast")))
	select {
	case <-p.gone:
	case <-time.After(time.Second):
		return p
	}
	require.Contains(t, p.said(), "no space left on device")
	r.faults.add("ended by a full disk")
	r.note(t, p)
	return r.start(t)
}

// fill lets a file take all that is free on its disk for a while, and removes it.
func fill(name string) (err error) {
	ballast, err := os.Create(name)
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
