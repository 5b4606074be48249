package progress

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// formatVersion is in the first line of a file.
const formatVersion = 1

// ErrFormat is returned for a file that is not a history, or one of a later version.
var ErrFormat = errors.New("not a history that this version reads")

// header is the first line of a file.
type header struct {
	Version int              `json:"millrace_history"`
	Name    string           `json:"name"`
	Starts  map[string]int64 `json:"starts,omitempty"`
}

// line is any other: a point, or a mark where mark is set.
type line struct {
	Point
	Kind MarkKind `json:"mark,omitempty"`
	Note string   `json:"note,omitempty"`
}

// Write writes the history as JSON lines: a header, then points and marks.
func (h History) Write(to io.Writer) error {
	w := bufio.NewWriter(to)
	e := json.NewEncoder(w)
	errs := []error{e.Encode(header{formatVersion, h.Name, h.Starts})}
	for _, p := range h.Points {
		errs = append(errs, e.Encode(p))
	}
	for _, m := range h.Marks {
		errs = append(errs, e.Encode(m))
	}
	return errors.Join(append(errs, w.Flush())...)
}

// Read reads what Write wrote.
func Read(from io.Reader) (History, error) {
	d := json.NewDecoder(from)
	var head header
	if err := d.Decode(&head); err != nil {
		return History{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if head.Version != formatVersion {
		return History{}, fmt.Errorf("%w: version %d, expected %d", ErrFormat, head.Version, formatVersion)
	}
	h := History{Name: head.Name, Starts: head.Starts}
	for {
		var l line
		switch err := d.Decode(&l); {
		case errors.Is(err, io.EOF):
			return h, nil
		case err != nil:
			return h, fmt.Errorf("%w: %w", ErrFormat, err)
		case l.Kind != "":
			h.Marks = append(h.Marks, Mark{l.At, l.Kind, l.Note})
		default:
			h.Points = append(h.Points, l.Point)
		}
	}
}

// Load reads a history from a file. It may be read while a Recorder of another process writes it.
func Load(path string) (History, error) {
	f, err := os.Open(path)
	if err != nil {
		return History{}, err
	}
	defer f.Close()
	h, err := Read(f)
	if err != nil {
		return History{}, fmt.Errorf("%s: %w", path, err)
	}
	return h, nil
}

// Save replaces a file by the history, making its directory. Whoever reads the file sees the old or the new one whole.
func (h History) Save(path string) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(h.Write(f), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
