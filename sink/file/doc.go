// Package file writes results to files, as CSV or as lines of JSON or in any other format, so that each row is visible exactly once, whatever crashes.
//
// A single file (CSV, JSONLines, Lines, Single) appears under its name when the job has ended; until then its rows are in NAME.inprogress, of which a restarted job keeps
// what its checkpoint covers. One Writer receives the rows of all tasks. The file may not exist before: a result is never overwritten.
//
// A directory (CSVDir, JSONLinesDir, LinesDir, Directory) is for jobs that do not end and for readers that do not wait: each task writes files named
// part-TASK-NUMBER.EXT, whole ones, each visible from the moment its checkpoint completes. Names that begin with a dot or an underscore are not results. Visible parts may be
// taken away at any time.
//
// A directory belongs to one run of one job, as its file _millrace.json says. A job without saved state is refused a directory that holds anything else than the mark of an
// earlier start of the same job and operator that has shown nothing, and a job with saved state one that is not its own. _SUCCESS appears when the job has ended and the result is
// complete.
//
// Files cannot take a row back: superseded results stay, followed by the newer ones.
// Rows reach the disk (fsync) at each checkpoint. An error while writing, a full disk for example, leaves nothing visible.
package file
