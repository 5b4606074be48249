package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// goBenchmark is one of the repository's Go benchmarks. What it reports becomes values by unit; "p99-ms" is shown as "p99 ms".
type goBenchmark struct {
	pkg     string // directory
	pattern string // of exactly one benchmark
	time    string // -benchtime
	events  int64  // that one operation stands for
	servers string // that it needs, as internal/testservers names them; "" for none
	flags   []string
}

func (g goBenchmark) named(name string) variant { return variant{name: name, run: g.run} }

func (g goBenchmark) run(ctx context.Context, b *bench) (Sample, error) {
	program, err := b.tests(ctx, g.pkg)
	if err != nil {
		return Sample{}, err
	}
	args := append([]string{"-test.run", "^$", "-test.bench", g.pattern, "-test.benchtime", g.time, "-test.timeout", "2h"}, g.flags...)
	if g.servers != "" {
		servers, err := b.program(ctx, "testservers", "build", "./internal/testservers")
		if err != nil {
			return Sample{}, err
		}
		program, args = servers, append([]string{"--only", g.servers, "--", program}, args...)
	}
	var out bytes.Buffer
	s, err := execute(ctx, g.pkg, &out, program, args...)
	if err != nil {
		return s, fmt.Errorf("%w\n%s", err, &out)
	}
	err = g.read(&out, &s)
	return s, err
}

// read takes the one result from what the benchmark printed.
func (g goBenchmark) read(out *bytes.Buffer, s *Sample) error {
	text := out.String()
	r := benchfmt.NewReader(out, g.pkg)
	found := 0
	for r.Scan() {
		result, ok := r.Result().(*benchfmt.Result)
		if !ok {
			continue
		}
		found++
		s.Values = map[string]float64{}
		for _, v := range result.Values {
			value, unit := v.Value, v.Unit
			if v.OrigUnit != "" { // the reader makes seconds of ns
				value, unit = v.OrigValue, v.OrigUnit
			}
			if unit == "ns/op" && g.events > 0 {
				s.Events = int64(result.Iters) * g.events
				s.Phase = value * float64(result.Iters) / 1e9
			}
			if at := strings.LastIndexByte(unit, '-'); at > 0 {
				unit = unit[:at] + " " + unit[at+1:]
			}
			s.Values[unit] = value
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	if found != 1 {
		return fmt.Errorf("-bench %s of %s has %d results instead of one:\n%s", g.pattern, g.pkg, found, text)
	}
	if v, ok := s.Values["cpu ns/event"]; ok {
		s.CPU = v * float64(s.Events) / 1e9
	} else {
		s.CPU = 0 // with what the testing package tries first
	}
	s.Wall = 0
	return nil
}

// tests is a package's tests as a program.
func (b *bench) tests(ctx context.Context, pkg string) (string, error) {
	return b.program(ctx, strings.ReplaceAll(pkg, "/", "-")+".test", "test", "-c", "-tags", "integration", "./"+pkg)
}

// program builds one of our own.
func (b *bench) program(ctx context.Context, name string, args ...string) (string, error) {
	if path, ok := b.built[name]; ok {
		return path, nil
	}
	path, err := filepath.Abs(filepath.Join(b.work, "bin", name))
	if err != nil {
		return "", err
	}
	fmt.Printf("    building %s\n", name)
	last := args[len(args)-1]
	build := append(append([]string{}, args[:len(args)-1]...), "-o", path, last)
	if out, err := exec.CommandContext(ctx, "go", build...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build of %s: %w\n%s", last, err, out)
	}
	if b.built == nil {
		b.built = map[string]string{}
	}
	b.built[name] = path
	return path, nil
}
