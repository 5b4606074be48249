// Package stream processes streams of records in event time, with keyed state that survives crashes, inside one Go program.
//
// # A job
//
// A job is a graph that plain functions build. The subject comes first, and types are inferred from it:
//
//	job := stream.NewJob("session-analytics", stream.StateDir(dir))
//	clicks := stream.From(job, "clicks", source, watermark.BoundedOutOfOrderness(time.Minute, eventTime))
//	byUser := stream.KeyBy(clicks, userOf)
//	sessions := stream.Window(byUser, window.EventTimeSession(30*time.Minute))
//	results := stream.Process(sessions, "analytics", analytics{})
//	stream.To(results, "sessions", sink)
//	err := job.Run(ctx)
//
// Building a job starts nothing and returns no errors: what is wrong with the graph comes out of Run and Plan, all of it at once. Plan is the
// graph as text, the same for the same code.
//
// # Streams
//
// A DataStream has records, a KeyedStream records with keys, a WindowedStream the records of each key in windows. They are small values that only matter
// while the job is built. Reading one twice sends its records to both readers.
//
//   - From reads a source. AssignTimestamps gives new event times in the source's chain.
//   - Map, TryMap, Filter, FlatMap and Union work on records one at a time.
//   - KeyBy brings the records of a key together, by an exchange between tasks. KeyByPartition keys a stream in place, where the key decides the
//     partition: no exchange, and event time of its own for each partition. All gives all records one key.
//   - Window puts a keyed stream into windows, DynamicSessions into sessions whose gap each record sets. Reduce and Aggregate keep one value for a
//     window, Process all its records.
//   - Process runs a Function over any of the three; on a KeyedStream with state and timers.
//   - Late, SideOutput, DeadLetters and Quarantined are the streams beside the main one.
//   - To writes to a sink. Rebalance spreads records over tasks.
//
// Operators joined without an exchange are fused: a record passes through them by direct calls on one goroutine.
//
// # Names
//
// What owns state or talks to the world takes a name by position (From, Process, Aggregate, Reduce, To). State is kept under it, so it stays the
// same when the program changes. Names are unique in a job.
//
// # Time
//
// The watermark strategy, a parameter of From, says how event time is read from records and how far it has come; each split of the source has a watermark of its own. A
// record is judged by the watermark its own split had just before it, never by how splits happened to interleave: whether it is late is a property of the log.
// Windows fire when the minimum over all splits has passed their end. A split that may fall silent needs an idleness in its strategy, or it holds
// everything back; the job's status line says which one does.
//
// # Late records and retractions
//
// Windows with AllowedLateness stay open after their end. A late record that one takes emits it again: the operator first takes back what it emitted, then emits
// the new result, in one step. A sink with upserts deletes and replaces rows accordingly. An operator in between handles retractions by a Retract method, or is told to
// DropRetractions; without either the job is refused.
//
// # State
//
// Keyed state is declared in a Function's Open with NewValue, NewList, NewMap, NewReducing or NewAggregating, and always means the key at hand. Values are live Go
// values; a codec makes them durable at checkpoints. With StateDir a job goes on where it was, after Ctrl-C and after kill -9: state, timers and source positions are
// committed in one atomic batch. Keys not used lately leave memory when MemoryBudget is reached and are read back when they are needed.
//
// # Concurrency
//
// A job is built from one goroutine. Functions without state are called from several goroutines at once. A Function with fields, state or timers is given by
// PerTask, so that each task has its own; its methods are then called from one goroutine at a time.
//
// # Errors
//
// An error or panic of a user's function fails the run as an OperatorError with operator, subtask, split and offset. What follows is the job's Restart
// strategy; the default is to return it from Run. Servers that are away are tried again for RetryFor. A record that cannot be decoded fails the job, unless
// SkipUndecodable or DeadLetters say otherwise.
package stream
