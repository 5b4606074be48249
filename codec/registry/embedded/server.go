package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

const (
	headerTimeout = 10 * time.Second
	closeTimeout  = 5 * time.Second
	maxBody       = 4 << 20
)

// Registry is a served registry. Its methods are safe for concurrent use.
type Registry struct {
	url    string
	server *http.Server
	served chan error // gets the end of serving, once
}

// Start serves the directory's schemas on a free loopback port. With an empty directory name they are in memory, and gone when the registry is closed.
func Start(dir string) (*Registry, error) {
	s, err := openStore(dir)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("embedded schema registry: %w", err)
	}
	r := &Registry{
		url:    "http://" + l.Addr().String(),
		server: &http.Server{Handler: http.MaxBytesHandler(routes(s), maxBody), ReadHeaderTimeout: headerTimeout},
		served: make(chan error, 1),
	}
	go func() { r.served <- r.server.Serve(l) }()
	return r, nil
}

// URL is what to give to clients: "http://127.0.0.1:40123".
func (r *Registry) URL() string { return r.url }

// Close finishes the requests there are and stops serving. Closing twice does nothing.
func (r *Registry) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	err := r.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, r.server.Close())
	}
	if e, ok := <-r.served; ok {
		close(r.served)
		if !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}
