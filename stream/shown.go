package stream

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"github.com/millrace/millrace/state"
)

// shown are the values that the job knows to show as JSON, by the ID of their codec.
type shown struct {
	mu  sync.Mutex
	all map[string]func([]byte) (json.RawMessage, error)
}

// plain are codecs whose values everybody knows to show.
var plain = []string{"int64", "float64/sorted", "bool", "unit", "string", "bytes"}

// show remembers how values of a codec are shown. A nil codec is none.
func show[V any](j *Job, c state.Codec[V]) {
	if c == nil || slices.Contains(plain, c.ID()) {
		return
	}
	j.shown.mu.Lock()
	defer j.shown.mu.Unlock()
	if j.shown.all == nil {
		j.shown.all = map[string]func([]byte) (json.RawMessage, error){}
	}
	j.shown.all[c.ID()] = func(src []byte) (json.RawMessage, error) {
		v, err := c.Decode(src)
		if err != nil {
			return nil, err
		}
		return json.Marshal(v)
	}
}

// StateDecoders show the job's values as encoding/json writes them, by the ID of their codec: what package state/inspect takes as Codecs. It knows the records and
// accumulators of windows, and the states of functions as soon as one of their tasks has begun.
func (j *Job) StateDecoders() map[string]func([]byte) (json.RawMessage, error) {
	j.shown.mu.Lock()
	defer j.shown.mu.Unlock()
	return maps.Clone(j.shown.all)
}
