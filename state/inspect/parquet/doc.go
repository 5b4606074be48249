// Package parquet exports the state of a stopped job, or a savepoint, as one Parquet file, to be asked by programs that read such files.
//
// A row is one state of a key; the windows of a key, and its timers, are a row each. Columns:
//
//	operator, key  text; the key as package inspect shows it
//	shard          key group, or the number of the split of a partition-local operator
//	split          number of the split that the key is bound to; null where keys are not
//	cell           name of the state
//	codec          of its values
//	window_start, window_end, records, fired  of a window, else null
//	timer, timer_kind  of a timer, "event" or "processing", else null
//	value          JSON text, of a window its contents; null for a timer
//
// Times are timestamps in UTC; one outside of the years 0 to 9999, such as the bounds of a window without end, is null.
//
// It is a package of its own, so that who looks into a state does not build Parquet.
package parquet
