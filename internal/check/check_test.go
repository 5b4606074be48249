package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

var errMissing = errors.New("no such program")

func TestChoose(t *testing.T) {
	all, err := choose(nil)
	require.NoError(t, err)
	require.Len(t, all, len(steps))
	some, err := choose([]string{"unit", "vet"})
	require.NoError(t, err)
	require.Equal(t, "unit", some[0].name)
	require.Equal(t, "vet", some[1].name)
	_, err = choose([]string{"unti"})
	require.ErrorContains(t, err, `no step "unti"; the steps are tidy, vet, lint, unit, integration`)
}

func TestLeavingOut(t *testing.T) {
	lenient := &checker{}
	require.NoError(t, lenient.leave(t.Context(), "the servers", errMissing))
	require.Equal(t, []string{"the servers"}, lenient.leftOut)
	strict := &checker{strict: true}
	require.ErrorIs(t, strict.leave(t.Context(), "the servers", errMissing), errMissing)
	require.Empty(t, strict.leftOut)
}

func TestExitCodeIsTheCommands(t *testing.T) {
	require.Equal(t, 3, exitCode(command(t.Context(), "sh", "-c", "exit 3")))
	require.Equal(t, 1, exitCode(errMissing))
	out, err := output(t.Context(), "sh", "-c", "echo hello")
	require.NoError(t, err)
	require.Equal(t, "hello\n", out)
}

func TestPackages(t *testing.T) {
	t.Chdir("../..")
	racy, plain, err := packages(t.Context())
	require.NoError(t, err)
	for _, p := range []string{"stream", "state/memory", "source/kafka", "internal/runtime"} {
		require.Contains(t, racy, "github.com/millrace/millrace/"+p)
	}
	for _, p := range []string{"window", "watermark", "state/pebble", "internal/lint", "internal/oracle"} {
		require.Contains(t, plain, "github.com/millrace/millrace/"+p)
	}
	with, err := integrationTests(t.Context())
	require.NoError(t, err)
	for _, p := range []string{"sink/kafka", "source/kafka"} { // on a real broker instead of the embedded one
		require.Contains(t, with.whole, "github.com/millrace/millrace/"+p)
		require.NotContains(t, with.packages, "github.com/millrace/millrace/"+p)
	}
	for _, p := range []string{"sink/postgres", "stream/web"} {
		require.Contains(t, with.packages, "github.com/millrace/millrace/"+p)
	}
	for _, p := range []string{"window", "internal/lint"} {
		require.NotContains(t, with.packages, "github.com/millrace/millrace/"+p)
	}
	require.Contains(t, with.names, "TestPrometheus")
	require.NotContains(t, with.names, "TestPackages")
	require.NotContains(t, with.names, "TestMain")
}
