// Package pebble keeps state in Pebble, an LSM tree: state may be much larger than memory, a commit costs what it writes, and opening after a crash costs
// a short log. It is the default backend.
//
// # Commits
//
// A commit is sorted, the last write to a key wins, and it becomes one Pebble batch that is synced. A commit beyond a size (see IngestOver) is written as
// sorted tables beside the database and linked into it in one atomic step. Concurrent commits must touch disjoint keys: each is atomic by itself, but which of
// two writes to one key wins is decided by neither's start nor its return.
//
// # Errors
//
// Damage found in a file wraps state.ErrCorrupt and names the file. A failure that Pebble cannot survive (a sync that failed, a manifest that cannot be
// written) ends the store, not the process: from then on nothing more reaches the disk, and every Get, MultiGet, Scan and Commit returns the first failure. A batch
// whose Commit returned an error is there whole or not at all when the directory is opened again; which of both, the error does not say.
//
// Damage in the last record of a log after a crash cannot be told from a write that was cut short by that crash, so the commit in it can be lost
// without an error. After Close there is no such record: the log is empty and the manifest's checksum is kept in a file beside it.
package pebble
