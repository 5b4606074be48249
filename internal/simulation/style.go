package simulation

import "math/rand/v2"

// style is how the one who goes on is chosen. Chance alone mixes everything evenly and so rarely lets one goroutine fall far behind; the other styles do.
type style struct {
	chance   *rand.Rand
	name     string
	last     string // who went on last
	priority map[string]int
}

const (
	fair       = "in turn"
	even       = "by chance"
	sticky     = "the same again, mostly"
	privileged = "by rank"
)

func newStyle(r *rand.Rand, calm bool) *style {
	s := &style{chance: r, name: fair, priority: map[string]int{}}
	if !calm {
		s.name = []string{even, sticky, privileged}[r.IntN(3)]
	}
	return s
}

// choose takes one of those held, which are in the order of their names and at least one.
func (s *style) choose(from []*held, wind bool) *held {
	h := s.among(from, wind)
	s.last = h.who
	return h
}

func (s *style) among(from []*held, wind bool) *held {
	switch {
	case wind || s.name == fair:
		for _, h := range from {
			if h.who > s.last {
				return h
			}
		}
		return from[0]
	case s.name == sticky && s.chance.IntN(8) > 0:
		for _, h := range from {
			if h.who == s.last {
				return h
			}
		}
	case s.name == privileged && s.chance.IntN(10) > 0:
		best := from[0]
		for _, h := range from {
			if s.rank(h.who) > s.rank(best.who) {
				best = h
			}
		}
		if s.chance.IntN(50) == 0 {
			s.priority[best.who] = s.chance.IntN(1000) // not for ever
		}
		return best
	}
	return from[s.chance.IntN(len(from))]
}

func (s *style) rank(who string) int {
	p, ok := s.priority[who]
	if !ok {
		p = s.chance.IntN(1000)
		s.priority[who] = p
	}
	return p
}
