package servers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"time"
)

const (
	registryVersion      = "3.3.3"
	registryStartTimeout = 3 * time.Minute // ten seconds on an idle machine
	registryStopTimeout  = 10 * time.Second
)

// Registry is a running Apicurio Registry, with its data in memory. Its methods are for one goroutine at a time.
type Registry struct {
	URL  string // of the interface that is compatible with Confluent's
	proc *process
}

// StartRegistry starts a registry that works in dir, which must exist and be empty, and waits until it answers. It is fetched on first use, and needs Java 21.
func StartRegistry(ctx context.Context, dir string) (*Registry, error) {
	app, err := installRegistry(ctx)
	if err != nil {
		return nil, err
	}
	java, err := java21()
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "registry.log")
	log, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("log of the schema registry: %w", err)
	}
	defer log.Close() // the process has its own
	cmd := exec.CommandContext(ctx, java, "-Xmx384m", "-XX:+UseSerialGC", "-Dquarkus.http.host=127.0.0.1", fmt.Sprintf("-Dquarkus.http.port=%d", ports[0]),
		"-jar", filepath.Join(app, "quarkus-run.jar"))
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	proc, err := startProcess(cmd)
	if err != nil {
		return nil, fmt.Errorf("schema registry: %w", err)
	}
	r := &Registry{fmt.Sprintf("http://127.0.0.1:%d/apis/ccompat/v7", ports[0]), proc}
	if err := r.await(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("schema registry: %w; the end of its log:\n%s", err, tail(path, 2000)), r.Stop())
	}
	return r, nil
}

// Stop ends the registry.
func (r *Registry) Stop() error { return r.proc.stop(registryStopTimeout) }

func (r *Registry) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, registryStartTimeout)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL+"/subjects", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-r.proc.exited:
			return errors.New("it has ended")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// installRegistry returns the directory of the unpacked application.
func installRegistry(ctx context.Context) (string, error) {
	return install("apicurio-"+registryVersion, func(into string) error {
		err := maven(ctx, into, "dependency:copy", "-Dartifact=io.apicurio:apicurio-registry-app:"+registryVersion+":tar.gz:all", "-DoutputDirectory=.")
		if err != nil {
			return err
		}
		archive := filepath.Join(into, "apicurio-registry-app-"+registryVersion+"-all.tar.gz")
		if out, err := exec.CommandContext(ctx, "tar", "xzf", archive, "-C", into).CombinedOutput(); err != nil {
			return fmt.Errorf("tar: %w\n%s", err, out)
		}
		return os.Remove(archive)
	})
}

// java21 is a java of version 21 or newer: the one that JAVA_HOME names, or one where Linux distributions install them.
func java21() (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" && newEnough(filepath.Join(home, "bin", "java")) {
		return filepath.Join(home, "bin", "java"), nil
	}
	found, err := filepath.Glob("/usr/lib/jvm/*/bin/java")
	if err != nil {
		return "", err
	}
	for _, java := range append(found, "java") {
		if newEnough(java) {
			return java, nil
		}
	}
	return "", fmt.Errorf("the schema registry needs Java 21 or newer, and there is none in JAVA_HOME, /usr/lib/jvm or the path on this %s system: install a JDK", runtime.GOOS)
}

var specification = regexp.MustCompile(`java\.specification\.version = (\d+)`)

// newEnough asks a java for its version.
func newEnough(java string) bool {
	out, err := exec.Command(java, "-XshowSettings:properties", "-version").CombinedOutput()
	if err != nil {
		return false
	}
	m := specification.FindSubmatch(out)
	if m == nil {
		return false
	}
	version, err := strconv.Atoi(string(m[1]))
	return err == nil && version >= 21
}
