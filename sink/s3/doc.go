// Package s3 writes results to an object store that speaks the S3 protocol, as append-only objects that each show their rows exactly once, whatever crashes.
//
// Under the location's prefix each task writes objects named part-TASK-NUMBER.EXT in any format of sink/format, or Parquet. An object is a multipart upload that is completed when its
// checkpoint has completed: until then no reader sees it. The location belongs to one run of one job, as its object _millrace.json says, with the rules of a directory of sink/file;
// _SUCCESS appears when the job has ended and the result is complete.
//
// No object is ever overwritten: what is written under a name that must be free is written with If-None-Match, after a look. A server that ignores that header has only the look, so
// that two jobs which claim one location in the same instant may both begin; the one that loses stops at its next checkpoint, since each looks at the mark again before it prepares or
// shows anything.
//
// Uploads that no checkpoint covers are aborted when their task starts again. A rule of the bucket that aborts old uploads should wait for longer than a job may stand still: it cannot
// tell an upload that waits for its commit. Objects of the last checkpoint may be taken away only after the next one.
//
// Errors that waiting may mend (a lost connection, a busy server) are sink.Temporary. Credentials come from an option, the environment (AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), the shared credentials file (AWS_SHARED_CREDENTIALS_FILE, AWS_PROFILE), or, without an endpoint of one's own, from the machine's
// role. They are never part of a location, a name or an error.
package s3
