// Package loggen makes click logs that are hard to get right, of any size and the same for the same seed: disorder up to exactly the bound, records a
// millisecond too late, minutes late and hours late, duplicates, equal timestamps, gaps of exactly the session gap and a millisecond to either side,
// keys outside ASCII, events without properties.
package loggen

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"github.com/millrace/millrace/internal/oracle"
)

// Event is one click. Its JSON form is a line of the example's input.
type Event struct {
	UserID     string            `json:"user_id"`
	SessionID  string            `json:"session_id"` // the user's own idea of a visit: not what a session window finds
	URL        string            `json:"url"`
	EventType  string            `json:"event_type"`      // view, add_to_cart or checkout
	Timestamp  int64             `json:"event_timestamp"` // milliseconds since the Unix epoch
	Properties map[string]string `json:"properties,omitempty"`
}

// Assign names a partition out of n for the event at a place in the order of arrival.
type Assign func(e Event, place, n int) int

// ByUser is where a Java producer puts events keyed by user: murmur2.
func ByUser(e Event, _, n int) int { return oracle.Partition(e.UserID, n) }

// InTurn deals events out one by one, so that each key is in all partitions.
func InTurn(_ Event, place, n int) int { return place % n }

// Split collects events into a log of n partitions for the oracle.
func Split(events iter.Seq[Event], n int, assign Assign) oracle.Log {
	log := make(oracle.Log, n)
	place := 0
	for e := range events {
		p := assign(e, place, n)
		log[p] = append(log[p], oracle.Event{Key: e.UserID, Timestamp: e.Timestamp, Kind: e.EventType})
		place++
	}
	return log
}

// WriteJSONLines writes one event a line.
func WriteJSONLines(w io.Writer, events iter.Seq[Event]) error {
	b := bufio.NewWriter(w)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	n := 0
	for e := range events {
		n++
		if err := enc.Encode(e); err != nil {
			return fmt.Errorf("event %d: %w", n, err)
		}
	}
	return b.Flush()
}
