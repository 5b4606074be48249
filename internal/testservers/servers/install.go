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

// installKafka returns the directory that holds Kafka's jars, and fetches them with Maven when it is missing. Several processes may call it at once.
func installKafka(ctx context.Context) (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	libs := filepath.Join(cache, "kafka-4.4.0")
	if _, err := os.Stat(libs); err == nil {
		return libs, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("cache of the test servers: %w", err)
	}
	unlock, err := lockFile(filepath.Join(cache, "install.lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(libs); err == nil {
		return libs, nil
	}
	tmp, err := os.MkdirTemp(cache, "download-")
	if err != nil {
		return "", fmt.Errorf("cache of the test servers: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := os.WriteFile(filepath.Join(tmp, "pom.xml"), kafkaPOM, 0o644); err != nil {
		return "", fmt.Errorf("Maven project for Kafka: %w", err)
	}
	mvn := exec.CommandContext(ctx, "mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=libs")
	mvn.Dir = tmp
	if out, err := mvn.CombinedOutput(); err != nil {
		return "", fmt.Errorf("fetching Apache Kafka with Maven (is mvn installed?): %w\n%s", err, out)
	}
	if err := os.Rename(filepath.Join(tmp, "libs"), libs); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("cache of the test servers: %w", err)
	}
	return libs, nil
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
