package oracle

// Fate is what became of a partition's records: each was read, and ended in one of the others.
type Fate struct {
	Read  int
	Used  int // in a result
	Late  int // no window took it
	Apart int // it lies between the windows
}

// Fates are those of all partitions, from the log and the table that Final made of it.
func (t Table) Fates(log Log, p Params) []Fate {
	fates := make([]Fate, len(log))
	for part, events := range log {
		fates[part].Read = len(events)
		for _, e := range events {
			if len(p.assign(e.Timestamp)) == 0 {
				fates[part].Apart++
			}
		}
	}
	type position struct {
		partition int
		offset    int64
	}
	used := map[position]bool{} // sliding windows share records
	for _, r := range t.Results {
		for _, e := range r.Events {
			used[position{e.Partition, e.Offset}] = true
		}
	}
	for at := range used {
		fates[at.partition].Used++
	}
	for _, r := range t.Late {
		fates[r.Partition].Late++
	}
	return fates
}
