package servers

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

//go:embed pom.xml
var kafkaPOM []byte

//go:embed log4j2.properties
var kafkaLogging []byte

// cacheDir is where downloads are kept between runs.
func cacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache directory for the test servers: %w", err)
	}
	return filepath.Join(dir, "millrace"), nil
}

// installKafka returns the directory that holds Kafka's jars.
func installKafka(ctx context.Context) (string, error) {
	return installJars(ctx, "kafka-4.4.0", kafkaPOM)
}

// installJars returns the directory that holds the jars that a Maven project depends on. name has their version in it, and stays unique.
func installJars(ctx context.Context, name string, pom []byte) (string, error) {
	return install(name, func(into string) error {
		if err := os.WriteFile(filepath.Join(into, "pom.xml"), pom, 0o644); err != nil {
			return err
		}
		return maven(ctx, into, "dependency:copy-dependencies", "-DoutputDirectory=.")
	})
}

// maven runs a goal in a directory.
func maven(ctx context.Context, dir string, args ...string) error {
	mvn := exec.CommandContext(ctx, "mvn", append([]string{"-q", "-B"}, args...)...)
	mvn.Dir = dir
	if out, err := mvn.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn (is Maven installed?): %w\n%s", err, out)
	}
	return nil
}

// install returns a directory of the cache, and where it is missing has fetch fill it. Several processes may call it at once.
func install(name string, fetch func(into string) error) (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("cache of the test servers: %w", err)
	}
	unlock, err := lockFile(filepath.Join(cache, "install.lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	tmp, err := os.MkdirTemp(cache, "download-")
	if err != nil {
		return "", fmt.Errorf("cache of the test servers: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := fetch(tmp); err != nil {
		return "", fmt.Errorf("fetching %s: %w", name, err)
	}
	if err := os.Rename(tmp, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("cache of the test servers: %w", err)
	}
	return dir, nil
}

// lockFile waits for an exclusive lock on path and returns what releases it.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock of the test servers' cache: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}
