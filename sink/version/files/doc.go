// Package files reads back the results that sink/file, sink/parquet and sink/s3 write as directories of parts, in the order of their key, and is the catalog of versions of such results.
//
// A location says itself what its columns and its key are (_millrace.json), so it can be read without the program that wrote it: CSV, JSON Lines and Parquet, also with .gz and .zst.
// What readers see is read: parts that have been shown. Of several rows of one key, which late results leave, the last one that the sink wrote counts.
//
// To be put in order the rows of one table are held in memory, at most MaxRows of them.
package files
