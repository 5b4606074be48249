package oracle

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxLine bounds a line of JSON Lines input, in bytes.
const maxLine = 1 << 20

// ReadClicks reads click events from JSON Lines: the fields user_id, event_timestamp and event_type. An error names the line.
func ReadClicks(r io.Reader) ([]Event, error) {
	var events []Event
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var click struct {
			UserID    string `json:"user_id"`
			Timestamp int64  `json:"event_timestamp"`
			EventType string `json:"event_type"`
		}
		if err := json.Unmarshal(lines.Bytes(), &click); err != nil {
			return nil, fmt.Errorf("line %d: %w", len(events)+1, err)
		}
		events = append(events, Event{click.UserID, click.Timestamp, click.EventType})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", len(events)+1, err)
	}
	return events, nil
}

// ReadFile calls read with the content of a file, uncompressed if its name ends in .gz, and returns what read returns; an error names the file.
func ReadFile[T any](path string, read func(io.Reader) ([]T, error)) (values []T, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
	}()
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if !strings.HasSuffix(path, ".gz") {
		return read(f)
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return read(z)
}
