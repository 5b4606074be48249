package stream

// shares is what a job's memory is for.
type shares struct {
	headroom int64 // garbage between two collections
	lanes    int64 // batches between tasks, at most
	table    int64 // live state
	store    int64 // the backend's caches
}

// maxHeadroom is enough for collections to be rare at any speed that a machine has.
const maxHeadroom = 256 << 20

// share divides a job's memory.
func share(budget int64) shares {
	s := shares{headroom: min(budget/8, maxHeadroom), lanes: budget / 16}
	rest := budget - s.headroom - s.lanes
	s.store = rest / 3 // what the table takes more makes commits larger, which is less to compact and to look into
	s.table = rest - s.store
	return s
}
