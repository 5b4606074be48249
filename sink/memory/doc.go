// Package memory keeps a job's results in memory: for tests, examples and programs that look at them while the job runs.
//
//   - List is every row in order of arrival, at least once across a restart;
//   - Table is an upsert table: the newest row of each key, and the changes that led there;
//   - Committed is a list whose rows appear when their checkpoint completes: exactly once;
//   - Transacted is one whose rows appear with a transaction that its System commits together with the checkpoint.
//
// A sink here is its own store, shared by the Writers of all tasks and by whoever reads it. All methods are safe for concurrent use.
// Each can be told to fail (FailWhen), to try how a job takes it.
package memory
