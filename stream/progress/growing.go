package progress

// growing adds up something that only grows but begins anew when the job restarts.
type growing struct {
	known bool
	last  int64
	sum   int64
}

// add takes the present value; began says what it counts from when it was not known before.
func (g *growing) add(v, began int64) {
	switch {
	case !g.known:
		g.sum += max(0, v-began)
	case v >= g.last:
		g.sum += v - g.last
	default:
		g.sum += v
	}
	g.known, g.last = true, v
}

// grow is the growing total of a name: what it was before the last time it began anew is in it.
func (r *Recorder) grow(name string, v, began int64) int64 {
	g := r.growing[name]
	if g == nil {
		g = &growing{}
		r.growing[name] = g
	}
	g.add(v, began)
	return g.sum
}
