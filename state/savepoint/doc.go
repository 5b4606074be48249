// Package savepoint keeps the state of a stopped job in files that depend on no backend, and makes state directories of them again: on another backend, in
// another directory or on another machine. The job that goes on may have another parallelism.
//
// A savepoint is a directory: manifest.json says what is in it, and the state is in sorted files, one for each shard of an operator and one for the run itself. It
// is complete when the manifest is there, which is written last; it is never written over. The same state gives the same bytes, whatever backend it was in.
//
//	store, _ := pebble.Backend().Open(dir, 0)        // the job has stopped
//	manifest, err := savepoint.Write(store, "before-upgrade")
//	...
//	sp, err := savepoint.Open("before-upgrade")
//	err = sp.Restore(memory.Backend(), other)
//
// # Files
//
// In the manifest's order the files hold all keys of the state in ascending order, each file those with one beginning:
//
//	run.kv                                 positions, watermarks, shapes, epochs, and what sinks prepared
//	state-<operator>-<shard>.kv            entries of an operator's keys
//	timers-<operator>-<domain>-<shard>.kv  the index of its timers, by time; domain 0 is event time, 1 is processing time
//
// A file begins with the 8 bytes "MILLRSV1". Entries follow until its end: length of the key and length of the value as uvarints, key, value. The
// manifest has each file's number of entries, length and SHA-256.
package savepoint
