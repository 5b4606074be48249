//go:build integration

package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/nightly"
	"github.com/millrace/millrace/source/kafka/topic"
)

// seedVariable repeats a run with the logs, kills and faults of a seed.
const seedVariable = "MILLRACE_CHAOS_SEED"

// scenario is one log that is read into one kind of sink.
type scenario struct {
	kind
	backend string
	local   bool
}

func (s scenario) String() string {
	keys := "exchange"
	if s.local {
		keys = "local"
	}
	return s.name + "-" + s.backend + "-" + keys
}

// scenarios has each kind of sink once, or twice with all else turned around.
func scenarios() (all []scenario) {
	for i, k := range kinds {
		backends := [...]string{"pebble", "memory"}
		s := scenario{k, backends[i%2], i/2%2 == 0}
		all = append(all, s)
		if nightly.On() {
			all = append(all, scenario{k, backends[(i+1)%2], !s.local})
		}
	}
	return all
}

// TestKill spreads cycles over the kinds of sinks.
func TestKill(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, seedVariable)
	}
	dir, err := os.MkdirTemp("", "millrace-chaos-") //nolint:usetesting // it is kept when the test fails
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("all that was written is in %s; to repeat: %s=%d go test -tags integration -count 1 -run '%s' ./internal/chaos", dir, seedVariable, seed, t.Name())
			return
		}
		require.NoError(t, os.RemoveAll(dir))
	})
	t.Logf("seed %d", seed)

	const topicName = "clicks"
	w := newWorld(t, dir)
	log, err := publish(t.Context(), w.kafka.Plaintext, topicName, seed, nightly.Pick(50_000, 1_000_000))
	require.NoError(t, err)
	all := scenarios()
	cycles := nightly.Pick(20, 200) / len(all)
	for i, sc := range all {
		t.Run(sc.String(), func(t *testing.T) {
			s := jobSpec{
				Topic: topicName, Group: sc.String(), Dir: filepath.Join(dir, sc.String()), Name: fmt.Sprintf("chaos_%d", i), Sink: sc.name,
				Backend: sc.backend, Local: sc.local, Rate: int64(nightly.Pick(20_000, 25_000)),
			}
			if !sc.appends {
				s.LatenessMs = (10 * time.Minute).Milliseconds()
			}
			require.NoError(t, os.Mkdir(s.Dir, 0o755))
			if sc.topics {
				makeTopics(t, w, s, sc.compacted)
			}
			r := &run{scenario: sc, spec: s, world: w, log: log, random: rand.New(rand.NewPCG(seed, uint64(i))), number: i}
			r.disk = sc.files && smallDisk(t, s.Dir)
			r.cycles(t, cycles)
			r.compare(t)
		})
	}
}

// makeTopics makes a topic for each result.
func makeTopics(t *testing.T, w *world, s jobSpec, compacted bool) {
	t.Helper()
	for _, result := range s.results() {
		spec := topic.Spec{Name: s.table(result), Partitions: partitions}
		if compacted {
			spec.Configs = map[string]string{"cleanup.policy": "compact"}
		}
		_, err := topic.Create(t.Context(), []string{w.kafka.Plaintext}, spec)
		require.NoError(t, err)
	}
}
