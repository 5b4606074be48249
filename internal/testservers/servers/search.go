package servers

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	searchStartTimeout = 90 * time.Second
	searchStopTimeout  = 20 * time.Second
)

var (
	//go:embed elasticsearch-pom.xml
	elasticsearchPOM []byte
	//go:embed opensearch-pom.xml
	opensearchPOM []byte
	//go:embed SearchNode.java
	searchNode []byte
)

// SearchProduct is a search server that comes as jars: two products with one history, which the same few lines of Java start.
type SearchProduct struct {
	name string // in the cache, with the version
	pom  []byte
	java string // the package that holds the server's classes
}

// The products that StartSearch knows.
var (
	Elasticsearch = SearchProduct{"elasticsearch-7.17.29", elasticsearchPOM, "org.elasticsearch"}
	OpenSearch    = SearchProduct{"opensearch-2.19.1", opensearchPOM, "org.opensearch"}
)

// Search is a running search server of one node, without encryption or authentication. Its methods are for one goroutine at a time.
type Search struct {
	URL string
	Log string // path of the server's log

	dir, libs string
	settings  []string
	proc      *process
}

// StartSearch starts a server that keeps everything in dir, which must exist and be empty, and waits until it answers. The jars are fetched on first use.
func StartSearch(ctx context.Context, product SearchProduct, dir string) (*Search, error) {
	libs, err := product.install(ctx)
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("directory of %s: %w", product.name, err)
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "log4j2.properties"), kafkaLogging, 0o644); err != nil {
		return nil, fmt.Errorf("logging configuration of %s: %w", product.name, err)
	}
	s := &Search{
		URL: fmt.Sprintf("http://127.0.0.1:%d", ports[0]), Log: filepath.Join(dir, "search.log"), dir: dir, libs: libs,
		settings: []string{
			"node.name=one", "cluster.name=millrace-test", "discovery.type=single-node", "http.type=netty4", "transport.type=netty4",
			"path.home=" + dir, "path.data=" + filepath.Join(dir, "data"), "path.logs=" + filepath.Join(dir, "logs"),
			"http.host=127.0.0.1", fmt.Sprint("http.port=", ports[0]), "transport.host=127.0.0.1", fmt.Sprint("transport.port=", ports[1]),
			"cluster.routing.allocation.disk.threshold_enabled=false", // the disk of a test machine may be nearly full
		},
	}
	return s, s.Start(ctx)
}

// install fetches the jars and compiles the node beside them.
func (p SearchProduct) install(ctx context.Context) (string, error) {
	return install(p.name, func(into string) error {
		if err := os.WriteFile(filepath.Join(into, "pom.xml"), p.pom, 0o644); err != nil {
			return err
		}
		if err := maven(ctx, into, "dependency:copy-dependencies", "-DoutputDirectory=."); err != nil {
			return err
		}
		source := bytes.ReplaceAll(searchNode, []byte(Elasticsearch.java), []byte(p.java))
		if err := os.WriteFile(filepath.Join(into, "SearchNode.java"), source, 0o644); err != nil {
			return err
		}
		javac := exec.CommandContext(ctx, "javac", "-proc:none", "-cp", "*", "SearchNode.java")
		javac.Dir = into
		if out, err := javac.CombinedOutput(); err != nil {
			return fmt.Errorf("javac (is a JDK of Java 17 installed?): %w\n%s", err, out)
		}
		return nil
	})
}

// Start starts a stopped or killed server on the same ports and data, and waits until it answers.
func (s *Search) Start(ctx context.Context) error {
	if s.proc != nil {
		return errors.New("the search server is already running: stop it first")
	}
	log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("log of the search server: %w", err)
	}
	defer log.Close()
	args := []string{
		"-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.configurationFile=" + filepath.Join(s.dir, "log4j2.properties"),
		"-cp", s.libs + string(filepath.ListSeparator) + filepath.Join(s.libs, "*"), "SearchNode",
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "java", append(args, s.settings...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	if s.proc, err = startProcess(cmd); err != nil {
		return fmt.Errorf("starting the search server: %w", err)
	}
	if err := s.await(ctx); err != nil {
		_ = s.Kill() // the start's error is the one to report
		return fmt.Errorf("%w\n%s", err, tail(s.Log, 4000))
	}
	return nil
}

// await asks until the node has recovered its indexes and takes requests.
func (s *Search) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, searchStartTimeout)
	defer cancel()
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/_cluster/health?wait_for_status=yellow&timeout=5s", nil)
		if err != nil {
			return err
		}
		if resp, err := client.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the search server did not answer on %s in time: %w", s.URL, ctx.Err())
		case <-s.proc.exited:
			return fmt.Errorf("the search server ended while starting: %s", s.proc.cmd.ProcessState)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Stop ends the server in order, and kills it if that takes too long. Stopping a stopped server does nothing.
func (s *Search) Stop() error {
	if s.proc == nil {
		return nil
	}
	err := s.proc.stop(searchStopTimeout)
	s.proc = nil
	return err
}

// Kill ends the server as kill -9 does. Start brings it back.
func (s *Search) Kill() error {
	if s.proc == nil {
		return nil
	}
	err := s.proc.kill()
	s.proc = nil
	return err
}
