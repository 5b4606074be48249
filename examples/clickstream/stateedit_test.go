package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/pebble"
)

// Bob's forgotten checkout is put into his open session, and ann's is deleted; the job goes on with both.
func TestStateEdits(t *testing.T) {
	data := t.TempDir()
	dir, saved := filepath.Join(data, "state", "sessions-v1"), filepath.Join(data, "saved")
	do(t, "topic", "create", "--partitions", "1", "--data", data)
	publishLines(t, data, line("ann", 50, "view"), line("bob", 50, "add_to_cart"))
	do(t, "run", "--until-end", "--no-drain", "--data", data)
	before := answer(t, "state", "export", dir)

	windows := `[{"start":3000000,"end":5400000,"records":2,"contents":[{"user_id":"bob","event_type":"add_to_cart","event_timestamp":"3000000"},` +
		`{"user_id":"bob","event_type":"checkout","event_timestamp":"3600000"}]}]`
	set := []string{"state", "set", dir, "session-analytics", "bob", "windows", windows}
	var out output
	messages, err := command(t.Context(), strings.NewReader(""), &out, append(set, "--dry-run")...)
	require.NoError(t, err)
	require.Contains(t, messages, "1 key would change; nothing is written.")
	var change struct {
		Key           string
		Before, After struct {
			State map[string]json.RawMessage
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out.String()), &change))
	require.Equal(t, "bob", change.Key)
	require.NotContains(t, string(change.Before.State["windows"]), "checkout")
	require.Contains(t, string(change.After.State["windows"]), "checkout")
	require.Equal(t, before, answer(t, "state", "export", dir))

	require.Contains(t, refuse(t, "state", "set", dir, "session-analytics", "bob", "windows", "bob"), "the value is not JSON")
	require.Contains(t, refuse(t, "state", "set", dir, "session-analytics", "bob", "windows", strings.Replace(windows, "event_type", "event_kind", 1)), `unknown field "event_kind"`)
	require.Contains(t, refuse(t, "state", "set", dir, "session-analytics", "eve", "windows", windows), "say in which split the key is")
	require.Contains(t, refuse(t, "state", "timer", "add", dir, "session-analytics", "bob", "1970-01-01T01:00:00Z"), "windows have times of their own")
	require.Contains(t, refuse(t, "state", "timer", "delete", dir, "session-analytics", "bob", "noon"), "time noon: use milliseconds")
	running, err := pebble.Backend().Open(dir, 0)
	require.NoError(t, err)
	_, err = command(t.Context(), strings.NewReader(""), &output{}, set...)
	require.ErrorIs(t, err, state.ErrLocked)
	require.NoError(t, running.Close())

	// A savepoint is written anew.
	require.Contains(t, do(t, append(set, "--to", saved)...), "1 key changed. "+saved)
	require.Equal(t, before, answer(t, "state", "export", dir))
	require.Contains(t, answer(t, "state", "get", saved, "session-analytics", "bob"), "checkout")
	require.Contains(t, refuse(t, "state", "delete", saved, "session-analytics", "bob"), "a savepoint is not changed in place")

	steps := filepath.Join(data, "steps.jsonl")
	require.NoError(t, os.WriteFile(steps, []byte(`{"do":"set","operator":"session-analytics","key":"bob","cell":"windows","value":`+windows+`}
{"do":"delete","operator":"session-analytics","key":"ann"}
`), 0o644))
	require.Contains(t, do(t, "state", "edit", dir, steps, "--note", "a test"), "2 keys changed in "+dir)
	require.Contains(t, refuse(t, "state", "delete", dir, "session-analytics", "ann"), "nothing is kept of the key")
	messages, err = command(t.Context(), strings.NewReader(windows), &output{}, "state", "set", dir, "session-analytics", "bob", "windows", "-")
	require.NoError(t, err)
	require.Contains(t, messages, "Nothing changes.")
	edits := answer(t, "state", "edits", dir)
	require.Equal(t, 1, strings.Count(edits, "\n"))
	require.Contains(t, edits, `"note":"a test","steps":[{"do":"set"`)
	require.Contains(t, answer(t, "state", "edits", saved), `"total":1`)

	do(t, "run", "--until-end", "--data", data)
	require.Equal(t, [][]string{{"bob", "3000000", "3600000", "600000", "2", "1", "1", "0"}}, sqliteRows(t, filepath.Join(data, "clickstream.db"), sessionsV1))
}

// What the program shows of its own values it reads again.
func TestStateEncoders(t *testing.T) {
	for id, encode := range stateEncoders {
		text := map[bool]string{true: `{"user_id":"ann","event_type":"view","event_timestamp":"7"}`, false: `{"sessions":3,"with_cart":2,"abandoned":1,"duration_ms":60000}`}[id == clickCodec.ID()]
		b, err := encode(json.RawMessage(text))
		require.NoError(t, err)
		shown, err := stateCodecs[id](b)
		require.NoError(t, err)
		require.JSONEq(t, text, string(shown))
		_, err = encode(json.RawMessage(`{"other":1}`))
		require.Error(t, err)
	}
}
