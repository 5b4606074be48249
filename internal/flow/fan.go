package flow

// Discard is the end of a stream that nobody reads.
type Discard[T any] struct{}

func (Discard[T]) Push(*Meta, T) error { return nil }

type nothing struct{}

func (nothing) Advance(int64) error { return nil }

// Still is the Control of what does not care about time.
var Still Control = nothing{}

type tee[T any] []Pusher[T]

func (t tee[T]) Push(m *Meta, v T) error {
	for _, p := range t {
		if err := p.Push(m, v); err != nil {
			return err
		}
	}
	return nil
}

// Tee pushes to all of ps in order.
func Tee[T any](ps []Pusher[T]) Pusher[T] {
	switch len(ps) {
	case 0:
		return Discard[T]{}
	case 1:
		return ps[0]
	}
	return tee[T](ps)
}

type joined []Control

func (j joined) Advance(w int64) error {
	for _, c := range j {
		if err := c.Advance(w); err != nil {
			return err
		}
	}
	return nil
}

// Join advances all of cs in order, leaving out those that are Still.
func Join(cs ...Control) Control {
	var moving joined
	for _, c := range cs {
		if c != Still {
			moving = append(moving, c)
		}
	}
	switch len(moving) {
	case 0:
		return Still
	case 1:
		return moving[0]
	}
	return moving
}
