// Package chaos ends real processes with kill -9, again and again, while the connections to their Kafka and PostgreSQL fail and these servers themselves are
// killed and restarted, and compares what is in the sink at the end with the exact answer. It has tests only, built under the integration tag; they start
// servers of their own, because they end them.
//
// A cycle is one process: it starts, goes on where the one before was, works for a while under faults that a seed chooses, and is killed at a place in the log
// that the seed chooses too. The last process of a log runs to its end. A failure keeps its directory, with the logs of job and servers, and says how to repeat it.
package chaos
