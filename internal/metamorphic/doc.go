// Package metamorphic holds tests that run random jobs on random logs in random circumstances - parallelism, batch sizes, backends, memory, stops, failures, power
// losses, broken disks - and compare what comes out with what package oracle computes from the log alone.
//
// A test prints the seed of what failed. MILLRACE_SEED=N runs that seed alone, MILLRACE_SEEDS=N runs seeds 1 to N however long it takes.
package metamorphic
