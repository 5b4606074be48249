// Package statetest checks that a state.Backend keeps the contract. Every backend's tests call Run.
//
// Beyond the words of the contract it expects that commits go on while a scan runs, that calls after Close return an error that wraps fs.ErrClosed, that a
// second Close does nothing, and that a directory's lock is a file named LOCK: copies of a directory, which
// stand for what a killed process leaves, are made without it. A copy shows what reached the operating system, not what reached the disk; what a power loss
// leaves a backend must test on a file system that forgets.
package statetest

import (
	"os"
	"testing"

	"github.com/millrace/millrace/state"
)

// Run runs the suite; open returns the backend to test, and is called for each part of it.
func Run(t *testing.T, backend func(t *testing.T) state.Backend) {
	if dir := os.Getenv(lockedDirEnv); dir != "" {
		expectLocked(t, backend(t), dir)
		return
	}
	places := []struct {
		name string
		dir  func(t *testing.T) string
	}{
		{"disk", func(t *testing.T) string { return t.TempDir() }},
		{"memory", func(*testing.T) string { return "" }},
	}
	everywhere := []struct {
		name string
		test func(t *testing.T, f *fixture)
	}{
		{"GetSetDelete", testGetSetDelete},
		{"MultiGet", testMultiGet},
		{"GetUsesDst", testGetUsesDst},
		{"LastWriteWins", testLastWriteWins},
		{"ScanRanges", testScanRanges},
		{"ScanSeesOneMoment", testScanSeesOneMoment},
		{"ValuesEmptyAndLarge", testValueSizes},
		{"LargeBatch", testLargeBatch},
		{"Concurrent", testConcurrent},
		{"Stats", testStats},
		{"Closed", testClosed},
	}
	for _, p := range places {
		for _, e := range everywhere {
			t.Run(e.name+"/"+p.name, func(t *testing.T) {
				e.test(t, newFixture(t, backend(t), p.dir(t)))
			})
		}
	}
	t.Run("Reopen", func(t *testing.T) { testReopen(t, newFixture(t, backend(t), t.TempDir())) })
	t.Run("ReopenAfterCrash", func(t *testing.T) { testCrash(t, newFixture(t, backend(t), t.TempDir())) })
	t.Run("CreatesDirectory", func(t *testing.T) { testCreatesDirectory(t, backend(t)) })
	t.Run("Lock", func(t *testing.T) { testLock(t, newFixture(t, backend(t), t.TempDir())) })
	t.Run("Damage", func(t *testing.T) { testDamage(t, backend(t)) })
	t.Run("Metamorphic/disk", func(t *testing.T) { testMetamorphic(t, backend(t), t.TempDir()) })
	t.Run("Metamorphic/memory", func(t *testing.T) { testMetamorphic(t, backend(t), "") })
}
