// Package parquet is the Parquet format, for directories (Dir, or file.Directory) and objects (s3.Sink).
//
// The columns of a table become columns of the same name and order: text is a UTF-8 string (what is not valid UTF-8 becomes U+FFFD), an integer INT64, a float DOUBLE, a boolean
// BOOLEAN, bytes BYTE_ARRAY, a time TIMESTAMP in microseconds UTC. A nullable column is optional, any other required. The metadata names the key's columns under
// "millrace.key", separated by commas. Pages are compressed with Zstandard.
//
// Rows collect in memory until their row group is full (RowGroupBytes, RowGroupRows). The same batches make the same bytes.
package parquet
