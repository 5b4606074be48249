package memory_test

import (
	"testing"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/state/statetest"
)

func TestConformance(t *testing.T) {
	statetest.Run(t, func(*testing.T) state.Backend { return memory.Backend() })
}
