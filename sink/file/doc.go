// Package file writes results to files, as CSV or as lines of JSON or of any format, so that each row is visible exactly once, whatever crashes.
//
// A single file (CSV, JSONLines, Lines) appears under its name when the job has ended; until then its rows are in NAME.inprogress, of which a restarted job keeps
// what its checkpoint covers. One Writer receives the rows of all tasks. The file may not exist before: a result is never overwritten.
//
// A directory (CSVDir, JSONLinesDir, LinesDir) is for jobs that do not end and for readers that do not wait: each task writes files named
// part-TASK-NUMBER.EXT, whole ones, each visible from the moment its checkpoint completes. Names that begin with a dot are not yet results. Visible files may be taken
// away at any time. A job without saved state refuses a directory in which its tasks find parts of an earlier run.
//
// Files cannot take a row back: superseded results stay, followed by the newer ones.
// Rows reach the disk (fsync) at each checkpoint. An error while writing, a full disk for example, leaves nothing visible.
package file
