// Package explain rebuilds the life of one key from the log: each of its records, what the windows decided about it and by which watermark, what came out, what came too
// late and why, and what is still open and what it waits for.
//
// It runs the job as it is, with a Recorder in three places: its Source around the job's source, its Option among the job's options, its Sink in place of the one
// whose rows are asked about. The other sinks are given replay.Discard. The job is to have no StateDir, and a source that ends.
//
//	r := explain.New(explain.Config[Click, string, Session]{Key: "ann", KeyOf: userOf, RowKey: rowUser, Note: clickText, Partitioner: &stream.Murmur2})
//	job := stream.NewJob("session-analytics", r.Option())
//	build(job, r.Source(clicks), r.Sink(), replay.Discard[HourMetrics](true))
//	err := job.Run(ctx)
//	life := r.Life("session-analytics")
//
// Where the key decides the partition (Config.Partitioner) only that partition is read: nothing else has a say in what happens to the key. The rows of a Life that are
// not open are those that the job has written, with the same log between the same offsets.
//
// Where a key's records come from several splits, behind an exchange, when a window is emitted depends on how the splits interleave, and a Life is that of one run.
package explain
