// Package sqlite upserts rows into a table of a SQLite file, without cgo.
//
// A batch is one transaction, on disk when Write returns (write-ahead log, synchronous=FULL). Text is TEXT, integers and booleans are INTEGER, floats REAL, bytes
// BLOB; times are TEXT in UTC, 2006-01-02T15:04:05.000000Z, which sorts. Readers may use the file while the job runs.
//
// A file has one writer at a time. The Writers of one sink take turns; other sinks and processes are waited for (BusyTimeout), and then the error is one that the
// engine retries.
package sqlite
