// Package progress watches a running job: how fast it is, how far it has come, how long it will still take, and how that was over time.
//
// A Recorder samples a job's Status and Counters at an interval while the job runs. Now tells where the job is; History is the past, in a bounded number of
// points however long the job runs, and can be kept in a file that other processes read:
//
//	r := progress.New("replay v2", job, progress.File("data/history/replay-v2.jsonl"))
//	err := r.Run(ctx) // job.Run, watched
//
// Points hold running totals, not rates: what happens between two of them is their difference, so leaving points out loses resolution and nothing else.
// Events are records that sources took in. The live rate is the growth of the log's ends, which is what all consumers of the log have to keep up with.
//
// A Recorder only reads. It never holds a job up, and a file that cannot be written does not fail the job: Now says so.
package progress
