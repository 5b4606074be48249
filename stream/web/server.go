package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// shutdownGrace is how long requests under way may take when the server stops.
const shutdownGrace = 3 * time.Second

// Server serves a Page. Make it with Listen.
type Server struct {
	listener net.Listener
	http     http.Server
}

// Address is the address that Listen takes an address for: without a host it is loopback. "8081" and ":8081" are 127.0.0.1:8081.
func Address(addr string) (string, error) {
	text := addr
	if !strings.Contains(addr, ":") {
		text = ":" + addr
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil || port == "" {
		return "", fmt.Errorf("%q is not an address to listen on: use HOST:PORT, or :PORT for this machine only", addr)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// Listen opens the address, as Address understands it. Port 0 finds a free one.
func Listen(addr string, p Page) (*Server, error) {
	h, err := p.Handler()
	if err != nil {
		return nil, err
	}
	full, err := Address(addr)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", full)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("the page cannot be served: another program listens on %s: choose another port, or 0 for a free one: %w", full, err)
	case err != nil:
		return nil, fmt.Errorf("the page cannot be served on %s: %w", full, err)
	}
	return &Server{listener: l, http: http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}}, nil
}

// URL is where the page is.
func (s *Server) URL() string {
	host, port, err := net.SplitHostPort(s.listener.Addr().String())
	if err != nil {
		return "http://" + s.listener.Addr().String() + "/"
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}

// Serve answers until ctx is done, and lets requests under way end. It is called once.
func (s *Server) Serve(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	err := s.http.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}
