package mutation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// root is the module's, seen from this package.
const root = "../.."

// mutated is the file of a mutant with the safeguard taken out.
func (m mutant) mutated(source []byte) ([]byte, error) {
	if n := bytes.Count(source, []byte(m.text)); n != 1 {
		return nil, fmt.Errorf("%s has the text %q %d times, want once: the code has changed, so find the safeguard there and change the table", m.file, m.text, n)
	}
	return bytes.Replace(source, []byte(m.text), []byte(m.instead), 1), nil
}

// overlay writes what the compiler is to read instead of the mutants' files, and returns the name of the list.
func overlay(dir string, mutants ...mutant) (string, error) {
	sources := map[string][]byte{}
	for _, m := range mutants {
		source := sources[m.file]
		if source == nil {
			var err error
			if source, err = os.ReadFile(filepath.Join(root, m.file)); err != nil {
				return "", err
			}
		}
		source, err := m.mutated(source)
		if err != nil {
			return "", err
		}
		sources[m.file] = source
	}
	replace := map[string]string{}
	for file, source := range sources {
		path, err := filepath.Abs(filepath.Join(root, file))
		if err != nil {
			return "", err
		}
		instead := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(instead, source, 0o600); err != nil {
			return "", err
		}
		replace[path] = instead
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, list, 0o600)
}

// build compiles a package's tests, with an overlay if one is named.
func build(ctx context.Context, dir, pkg, overlay string) (binary string, err error) {
	binary = filepath.Join(dir, "tests")
	args := []string{"test", "-c", "-vet=off", "-ldflags=-s -w", "-o", binary}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	return binary, command(ctx, root, "go", append(args, "./"+pkg)...)
}

// run runs tests of a package that were built before. -test.v names those that passed.
func run(ctx context.Context, binary, pkg, flag string, tests ...string) (output string, failed bool, err error) {
	args := []string{"-test.v", "-test.timeout=60s", "-test.run=^(" + strings.Join(tests, "|") + ")$"}
	if flag != "" {
		args = append(args, flag)
	}
	c := exec.CommandContext(ctx, binary, args...)
	c.Dir = filepath.Join(root, pkg)
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(out), true, nil
	}
	return string(out), false, err
}

func command(ctx context.Context, dir, name string, args ...string) error {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// verdict is what became of a mutant.
type verdict struct {
	mutant
	how  string // the failing test's first words
	took time.Duration
}

// kill builds the mutant and demands that its test fails.
func (m mutant) kill(ctx context.Context, dir string) (v verdict, err error) {
	begun := time.Now()
	list, err := overlay(dir, m)
	if err != nil {
		return v, err
	}
	binary, err := build(ctx, dir, m.pkg, list)
	if err != nil {
		return v, fmt.Errorf("the mutant does not build, which shows nothing: %w", err)
	}
	out, failed, err := run(ctx, binary, m.pkg, m.flag, m.test)
	if err != nil {
		return v, err
	}
	if !failed {
		return v, fmt.Errorf("without the safeguard %s of %s passes all the same", m.test, m.pkg)
	}
	how := "panics"
	switch {
	case strings.Contains(out, "--- FAIL: "+m.test):
		how = "fails"
	case strings.Contains(out, "panic: test timed out"):
		how = "does not end"
	}
	return verdict{m, how, time.Since(begun)}, nil
}
