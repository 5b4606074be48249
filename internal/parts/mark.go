package parts

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/format"
)

// mark says whose the location is.
type mark struct {
	Job      string `json:"job"`
	Operator string `json:"operator"`
	Run      string `json:"run"`
}

// described is the mark as it is written, with what readers of the parts have to know.
type described struct {
	mark
	Columns []format.Column `json:"columns,omitempty"`
}

// Columns reads from a mark what the parts beside it hold.
func Columns(data []byte) ([]format.Column, error) {
	var m described
	if err := json.Unmarshal(data, &m); err != nil || m.Run == "" {
		return nil, fmt.Errorf("it cannot be read: %.80q", data)
	}
	return m.Columns, nil
}

func (m mark) String() string {
	return fmt.Sprintf("run %s of job %q, operator %q", m.Run, m.Job, m.Operator)
}

const markTries = 5

// claim makes the location this job's, which has no saved state, and returns the run that was born by that.
func claim(ctx context.Context, s Small, where string, columns []format.Column, env sink.Env) (run string, err error) {
	own := mark{env.Job, env.Operator, strings.ToLower(rand.Text()[:16])}
	data, err := json.Marshal(described{own, columns})
	if err != nil {
		return "", err
	}
	for range markTries {
		there, tag, err := readMark(ctx, s, where)
		switch {
		case err != nil:
			return "", err
		case there == nil:
			err = refuseContent(ctx, s, where)
		default:
			err = there.refuse(ctx, s, where, env)
		}
		if err != nil {
			return "", err
		}
		if err = s.Put(ctx, MarkName, append(data, '\n'), tag); err == nil {
			// Whoever made the location his before may have shown something in between.
			return own.Run, own.refuse(ctx, s, where, env)
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("%s of %s: %w", MarkName, where, err)
		}
	}
	return "", fmt.Errorf("%w: %s: other jobs claim it again and again", ErrExists, where)
}

// refuse says why a job without saved state may not take the location over from m.
func (m mark) refuse(ctx context.Context, s Small, where string, env sink.Env) error {
	if m.Job != env.Job || m.Operator != env.Operator {
		return fmt.Errorf("%w: %s belongs to %s; this is job %q, operator %q: choose another location, or move that one away", ErrExists, where, m, env.Job, env.Operator)
	}
	names, err := s.List(ctx, "", "", listed)
	if err != nil {
		return err
	}
	if shown := content(names); shown != "" {
		return fmt.Errorf("%w: %s holds %s of %s, and this job starts without that run's saved state: start it with that state, choose another location, or move this one away",
			ErrExists, where, shown, m)
	}
	return nil
}

func refuseContent(ctx context.Context, s Small, where string) error {
	names, err := s.List(ctx, "", "", listed)
	if err != nil {
		return err
	}
	if shown := content(names); shown != "" {
		return fmt.Errorf("%w: %s holds %s, and no %s that says whose: a result needs a location of its own; choose an empty one", ErrExists, where, shown, MarkName)
	}
	return nil
}

// listed is how many names are looked at to see what a location holds.
const listed = 10

// content is what a message says of the names, without the mark; empty for nothing.
func content(names []string) string {
	var shown []string
	for _, n := range names {
		if !strings.HasPrefix(n, MarkName) { // some servers show what they write under a longer name meanwhile
			shown = append(shown, n)
		}
	}
	if len(shown) > 3 {
		return strings.Join(shown[:3], ", ") + " and more"
	}
	return strings.Join(shown, ", ")
}

// readMark returns nil where the location has none.
func readMark(ctx context.Context, s Small, where string) (m *mark, tag string, err error) {
	data, tag, err := s.Get(ctx, MarkName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("%s of %s: %w", MarkName, where, err)
	}
	m = &mark{}
	if err := json.Unmarshal(data, m); err != nil || m.Run == "" {
		return nil, "", fmt.Errorf("%w: %s has a %s that cannot be read (%.80q): choose another location", ErrExists, where, MarkName, data)
	}
	return m, tag, nil
}
