package replay

import (
	"context"
	"encoding/json"

	"github.com/millrace/millrace/stream"
)

// Queryable is that of the phase's job.
func (r *Replay) Queryable() []stream.Queryable {
	if j := r.current(); j != nil {
		return j.Queryable()
	}
	return nil
}

// QueryBytes asks the phase's job. Between two phases its error wraps stream.ErrNotRunning.
func (r *Replay) QueryBytes(ctx context.Context, operator string, key []byte) (*stream.KeyState, error) {
	if j := r.current(); j != nil {
		return j.QueryBytes(ctx, operator, key)
	}
	return nil, stream.ErrNotRunning
}

// StateDecoders are those of the phase's job.
func (r *Replay) StateDecoders() map[string]func([]byte) (json.RawMessage, error) {
	if j := r.current(); j != nil {
		return j.StateDecoders()
	}
	return nil
}
