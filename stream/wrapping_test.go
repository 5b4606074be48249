package stream_test

import "github.com/millrace/millrace/state"

// wrapping is a backend whose stores are wrapped, for a test that watches or breaks what they do.
type wrapping struct {
	state.Backend
	wrap func(state.Store) state.Store
}

func (b wrapping) Open(dir string, memory int64) (state.Store, error) {
	s, err := b.Backend.Open(dir, memory)
	if err != nil {
		return nil, err
	}
	return b.wrap(s), nil
}
