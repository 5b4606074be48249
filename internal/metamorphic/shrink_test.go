package metamorphic

import "time"

// Bounds of the search for a smaller plan that fails: timing makes some failures rare.
const (
	shrinkFor = 30 * time.Second
	tries     = 3
)

// shrink simplifies a failing plan while it fails. It returns the smallest that was found, with its error; nil where none fails again.
func shrink(p plan) (plan, error) {
	end := time.Now().Add(shrinkFor)
	small, found := p, error(nil)
	for changed := true; changed; {
		changed = false
		for _, simpler := range []func(*plan){
			func(p *plan) { p.Events = max(1, p.Events/2); p.Users = min(p.Users, p.Events) },
			func(p *plan) { p.Users = max(1, p.Users/2) },
			func(p *plan) { p.Partitions = max(1, p.Partitions/2) },
			func(p *plan) { p.Endings = nil },
			func(p *plan) { p.Endings = p.Endings[:max(0, len(p.Endings)-1)] },
			func(p *plan) { p.Growth = 0 },
			func(p *plan) { p.Union = false },
			func(p *plan) { p.Spread = 0 },
			func(p *plan) { p.Hourly = false },
			func(p *plan) { p.Assign = false },
			func(p *plan) { p.Junk = 0 },
			func(p *plan) { p.Padding = 0 },
			func(p *plan) { p.Function = process },
			func(p *plan) { p.Lateness = 0 },
			func(p *plan) { p.Committing = false },
			func(p *plan) { p.Transacted = false },
		} {
			next := small
			simpler(&next)
			if next.String() == small.String() {
				continue
			}
			for range tries {
				if time.Now().After(end) {
					return small, found
				}
				if _, err := next.try(); err != nil {
					small, found, changed = next, err, true
					break
				}
			}
		}
	}
	return small, found
}
