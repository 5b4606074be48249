package pebble_test

import (
	"log/slog"
	"testing"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/state/statetest"
)

var quiet = pebble.Logger(slog.New(slog.DiscardHandler))

func TestConformance(t *testing.T) {
	statetest.Run(t, func(*testing.T) state.Backend { return pebble.Backend(quiet) })
}

// The same with tables linked in for nearly every commit.
func TestConformanceOfIngestion(t *testing.T) {
	statetest.Run(t, func(*testing.T) state.Backend { return pebble.Backend(quiet, pebble.IngestOver(5, 1000)) })
}
