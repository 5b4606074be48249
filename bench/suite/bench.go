package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/millrace/millrace/internal/testservers/servers"
)

// bench is what the variants share: servers, logs and built programs, each made when it is first asked for.
type bench struct {
	results results
	work    string // of large files, kept between runs
	scale   float64

	profiles string // directory; "" for none

	kafka    *servers.Kafka
	kafkaDir string
	datasets map[int]dataset
	loaded   map[int]bool
	built    map[string]string
}

func (b *bench) flags(f *pflag.FlagSet) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	f.StringVar(&b.results.dir, "results", "bench/results", "directory of what was measured")
	f.Float64Var(&b.scale, "scale", 1, "the logs' length, 1 for that of the report; 0.01 to see whether everything works, with --results elsewhere")
	f.StringVar(&b.work, "work", filepath.Join(cache, "millrace", "bench"), "directory of generated logs and built peers, some gigabytes")
}

func (b *bench) close() {
	if b.kafka != nil {
		if err := errors.Join(b.kafka.Kill(), os.RemoveAll(b.kafkaDir)); err != nil {
			fmt.Fprintln(os.Stderr, "suite:", err)
		}
	}
}

// dataset is the log of some thousand events, as files.
func (b *bench) dataset(thousand int) (dataset, error) {
	thousand = max(1, int(float64(thousand)*b.scale))
	if d, ok := b.datasets[thousand]; ok {
		return d, nil
	}
	fmt.Printf("    the log of %d thousand events\n", thousand)
	d, err := makeDataset(b.work, thousand*1000)
	if err != nil {
		return d, fmt.Errorf("log of %d thousand events: %w", thousand, err)
	}
	if b.datasets == nil {
		b.datasets = map[int]dataset{}
	}
	b.datasets[thousand] = d
	return d, nil
}

// topic is the same log in a topic of a broker on this machine.
func (b *bench) topic(ctx context.Context, thousand int) (d dataset, brokers string, err error) {
	if d, err = b.dataset(thousand); err != nil {
		return d, "", err
	}
	if brokers, err = b.broker(ctx); err != nil {
		return d, "", err
	}
	if !b.loaded[d.Events] {
		fmt.Printf("    loading topic %s\n", d.Name)
		if err := d.load(ctx, brokers); err != nil {
			return d, "", fmt.Errorf("load topic %s: %w", d.Name, err)
		}
		if b.loaded == nil {
			b.loaded = map[int]bool{}
		}
		b.loaded[d.Events] = true
		// A broker that has just been started runs uncompiled code at first, of which the first variant would have the cost.
		if _, err := b.worker(ctx, d, "warm-up", "--brokers", brokers, "--topic", d.Name); err != nil {
			return d, "", fmt.Errorf("read topic %s once: %w", d.Name, err)
		}
	}
	return d, brokers, nil
}

// broker is the address of a Kafka on this machine.
func (b *bench) broker(ctx context.Context) (address string, err error) {
	if b.kafka == nil {
		fmt.Println("    starting Kafka")
		if err := os.MkdirAll(b.work, 0o755); err != nil {
			return "", err
		}
		if b.kafkaDir, err = os.MkdirTemp(b.work, "kafka-"); err != nil {
			return "", err
		}
		if b.kafka, err = servers.StartKafka(ctx, b.kafkaDir); err != nil {
			return "", err
		}
	}
	return b.kafka.Plaintext, nil
}

// peer is the directory of a peer's program, built by Maven from bench/peers.
func (b *bench) peer(ctx context.Context, name string) (string, error) {
	if dir, ok := b.built[name]; ok {
		return dir, nil
	}
	fmt.Printf("    building peer %s\n", name)
	dir, err := filepath.Abs(filepath.Join(b.work, "peers"))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := os.RemoveAll(filepath.Join(dir, name, "src")); err != nil {
		return "", err
	}
	for _, part := range []string{"proto", name} {
		if err := copyTree(filepath.Join(dir, part), filepath.Join("bench", "peers", part)); err != nil {
			return "", err
		}
	}
	dir = filepath.Join(dir, name)
	mvn := exec.CommandContext(ctx, "mvn", "-q", "-B", "package")
	mvn.Dir = dir
	if out, err := mvn.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build of %s (is Maven installed?): %w\n%s", name, err, out)
	}
	if b.built == nil {
		b.built = map[string]string{}
	}
	b.built[name] = dir
	return dir, nil
}

func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), text, 0o644)
	})
}
