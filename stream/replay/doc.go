// Package replay computes a result anew from the history of the log, beside the job that keeps the present one.
//
// A replay is the job's own code under another name of its state: a new state directory and consumer group, a new version of the result. A Replay takes it
// through its phases. A history phase reads from where the state is to what is the end of the log when the phase begins; it may use settings of its own - parallelism,
// checkpoint interval, batch sizes, a rate limit. Without Follow the first history phase is the whole replay: it closes all windows and ends. With Follow
// windows stay open, further phases of history follow while more than Config.Near records have come meanwhile, and then a live phase takes the state over with
// the live settings and runs until it is stopped.
//
// The phases hand over by the state alone: each is a run of the job that goes on at the positions, windows and timers of the last checkpoint of the one before.
// So no record is read twice or left out, and a replay that is killed goes on when it is started again: with a round of history that catches up, then live.
//
// Slice and Measure are the dry run: a part of each split, read by the same job into sinks that discard, tells how long the whole would take and what it would
// come to.
package replay
