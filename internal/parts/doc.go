// Package parts is what the append-only sinks of files and of objects share: a location - a directory, or a prefix of a bucket - that belongs to one run of one job, and in
// it parts, whole files that become visible when the checkpoint that covers them has completed.
//
// # Ownership
//
// A location has a mark, the file _millrace.json, that names the job, the operator and a random run, which is born when a job without saved state claims the location. Every
// pending of the run carries it. What may happen to whom:
//
//   - a job without saved state claims a location that is empty. Of two that race, one makes the mark, and the other is refused;
//   - it takes over a location with a mark of the same job and operator and no part: that is what a crash before the first checkpoint leaves, and a trial of the sink;
//   - it is refused anything else, with what is there and whose it is;
//   - a job with saved state finds the mark of its own job, operator and run, or is refused.
//
// All Writers of one sink value share the claim for as long as the context lives under which the first of them was opened. A store that can lock holds a lock meanwhile; where
// it cannot, a Writer looks at the mark again before it prepares and before it shows a part, so that of two processes of one job the older stops.
//
// When the last of a run's Writers has shown its last part, the file _SUCCESS says that the result is complete.
package parts
