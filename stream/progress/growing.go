package progress

// growing adds up something that only grows but begins anew when the job restarts.
type growing struct{ last, sum int64 }

func (g *growing) add(v int64) {
	if v >= g.last {
		g.sum += v - g.last
	} else {
		g.sum += v
	}
	g.last = v
}

// grow is the growing total of a name: what it was before the last time it began anew is in it.
func (r *Recorder) grow(name string, v int64) int64 {
	g := r.growing[name]
	if g == nil {
		g = &growing{}
		r.growing[name] = g
	}
	g.add(v)
	return g.sum
}
