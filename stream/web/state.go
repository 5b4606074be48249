package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/state/inspect"
	"github.com/millrace/millrace/state/savepoint"
	"github.com/millrace/millrace/stream"
)

// States is a job that can be asked for the state of a key: a *stream.Job or a *replay.Replay.
type States interface {
	Queryable() []stream.Queryable
	QueryBytes(ctx context.Context, operator string, key []byte) (*stream.KeyState, error)
	StateDecoders() map[string]func([]byte) (json.RawMessage, error)
}

const (
	queryTimeout     = 2 * time.Second
	mostQueryTimeout = 20 * time.Second
)

// statesAnswer is a job in /api/state.
type statesAnswer struct {
	Job       string             `json:"job"`
	Operators []stream.Queryable `json:"operators"`
}

func (p *Page) states(w http.ResponseWriter, _ *http.Request) {
	out := []statesAnswer{}
	for i := range p.Jobs {
		if j := &p.Jobs[i]; j.States != nil {
			out = append(out, statesAnswer{j.Recorder.Name(), append([]stream.Queryable{}, j.States.Queryable()...)})
		}
	}
	reply(w, out)
}

// keyAnswer is what /api/state/OPERATOR says of a key.
type keyAnswer struct {
	Job string    `json:"job"`
	At  time.Time `json:"at"`
	// Committed is true where all of it is in the last checkpoint, false where some of it may be newer.
	Committed bool `json:"committed"`
	Subtask   int  `json:"subtask"`
	inspect.Entry
}

func (p *Page) state(w http.ResponseWriter, r *http.Request) {
	if answer, code, err := p.lookUp(r); err != nil {
		if code == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
		}
		http.Error(w, err.Error(), code)
	} else {
		reply(w, answer)
	}
}

// lookUp answers a request for a key, or says with what status it cannot.
func (p *Page) lookUp(r *http.Request) (answer any, code int, err error) {
	q := r.URL.Query()
	uid, cell := r.PathValue("operator"), r.PathValue("cell")
	if !q.Has("key") {
		return nil, http.StatusBadRequest, fmt.Errorf("say which key: /api/state/%s?key=KEY; bytes in hex behind 0x", uid)
	}
	timeout := queryTimeout
	if q.Has("timeout") {
		if timeout, err = time.ParseDuration(q.Get("timeout")); err != nil || timeout <= 0 || timeout > mostQueryTimeout {
			return nil, http.StatusBadRequest, fmt.Errorf("timeout: %q is not a time such as 500ms, up to %s", q.Get("timeout"), mostQueryTimeout)
		}
	}
	j, operator := p.queried(q.Get("job"), uid)
	if j == nil {
		return nil, http.StatusNotFound, fmt.Errorf("no job here has an operator %q with state; /api/state lists them", uid)
	}
	key, err := inspect.ParseKey(operator.KeyCodec, q.Get("key"))
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	s, err := j.States.QueryBytes(ctx, uid, key)
	if err != nil {
		return nil, statusOf(err), err
	}
	if s == nil {
		return nil, http.StatusNotFound, fmt.Errorf("operator %q has no state of key %q: all its windows are closed, or it never came", uid, q.Get("key"))
	}
	shown, err := j.show(s)
	if err != nil {
		return nil, http.StatusInternalServerError, err
	}
	if cell == "" {
		return shown, http.StatusOK, nil
	}
	value, ok := shown.State[cell]
	switch {
	case ok:
		return value, http.StatusOK, nil
	case !slices.ContainsFunc(s.Cells, func(c stream.StateCell) bool { return c.Name == cell }):
		return nil, http.StatusNotFound, fmt.Errorf("operator %q has no state %q; it has %v", uid, cell, s.Cells)
	}
	return nil, http.StatusNotFound, fmt.Errorf("key %q has no %q", q.Get("key"), cell)
}

// queried is the job of the given name, or the first, that has the operator.
func (p *Page) queried(name, uid string) (*Job, stream.Queryable) {
	for i := range p.Jobs {
		j := &p.Jobs[i]
		if j.States == nil || name != "" && name != j.Recorder.Name() {
			continue
		}
		for _, o := range j.States.Queryable() {
			if o.Operator == uid {
				return j, o
			}
		}
	}
	return nil, stream.Queryable{}
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, stream.ErrNotRunning):
		return http.StatusConflict
	case errors.Is(err, stream.ErrNoTask), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable
	case errors.Is(err, stream.ErrNoState):
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}

// show shows values by the page's codecs, else as the job knows them.
func (j *Job) show(s *stream.KeyState) (keyAnswer, error) {
	codecs := inspect.Codecs{}
	for id, decode := range j.States.StateDecoders() {
		codecs[id] = decode
	}
	for id, decode := range j.Codecs {
		codecs[id] = decode
	}
	cells := make([]savepoint.Cell, len(s.Cells))
	for i, c := range s.Cells {
		cells[i] = savepoint.Cell{Name: c.Name, Codec: c.Codec}
	}
	e, err := codecs.Show(s.Operator, s.Shard, s.Key, cells, s.Stored)
	return keyAnswer{Job: j.Recorder.Name(), At: clock.Real{}.Now(), Committed: s.Committed, Subtask: s.Subtask, Entry: e}, err
}
