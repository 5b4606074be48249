package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/testservers/servers"
)

// server is a running server: what tests must know of it, and how it ends.
type server struct {
	facts map[string]string
	stop  func() error
}

// starters start the servers that only some tests need, each in an empty directory of its own, by the names that tests ask for.
var starters = map[string]func(ctx context.Context, dir string) (server, error){
	"kafka-tiered":  startTieredKafka,
	"elasticsearch": startSearch(servers.Elasticsearch),
	"opensearch":    startSearch(servers.OpenSearch),
	"s3":            startS3,
	"prometheus":    startPrometheus,
	"chromium":      findChromium,
}

// catalog starts servers when they are first asked for, and keeps them until the end.
type catalog struct {
	ctx context.Context
	dir string

	mu      sync.Mutex
	started map[string]*starting
}

// starting is a server that is up, or on its way up.
type starting struct {
	done   chan struct{} // closed when server and err are set
	server server
	err    error
}

// start starts the server unless it is there, and waits until it answers.
func (c *catalog) start(name string) (server, error) {
	start, known := starters[name]
	if !known {
		return server{}, fmt.Errorf("no server is called %q; there are: %s", name, strings.Join(slices.Sorted(maps.Keys(starters)), ", "))
	}
	c.mu.Lock()
	s, begun := c.started[name]
	if !begun {
		s = &starting{done: make(chan struct{})}
		c.started[name] = s
	}
	c.mu.Unlock()
	if begun {
		<-s.done
		return s.server, s.err
	}
	defer close(s.done)
	dir := filepath.Join(c.dir, name)
	if s.err = os.Mkdir(dir, 0o755); s.err == nil {
		s.server, s.err = start(c.ctx, dir)
	}
	return s.server, s.err
}

// stop ends all servers; none may be asked for any more.
func (c *catalog) stop() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.started)) {
		s := c.started[name]
		<-s.done
		if s.err == nil {
			errs = append(errs, s.server.stop())
		}
	}
	return errors.Join(errs...)
}

// serve answers the tests on a loopback port, until the returned stop, which also ends the servers.
func (c *catalog) serve() (addr string, stop func() error, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("no free loopback port: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /start", func(w http.ResponseWriter, r *http.Request) {
		s, err := c.start(r.FormValue("name"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(s.facts) // the test sees a short answer
	})
	h := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- h.Serve(l) }()
	return l.Addr().String(), func() error {
		_ = h.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			return errors.Join(err, c.stop())
		}
		return c.stop()
	}, nil
}
