package main

import (
	"context"

	"github.com/millrace/millrace/internal/testservers/servers"
)

// startPrometheus tells the server's URL, and the folder where a test writes a file of what it is to scrape.
func startPrometheus(ctx context.Context, dir string) (server, error) {
	p, err := servers.StartPrometheus(ctx, dir)
	if err != nil {
		return server{}, err
	}
	return server{facts: map[string]string{"url": p.URL, "targets": p.Targets}, stop: p.Stop}, nil
}

// findChromium tells the browser's path; tests start it themselves.
func findChromium(ctx context.Context, _ string) (server, error) {
	path, err := servers.Chromium(ctx)
	return server{facts: map[string]string{"path": path}, stop: func() error { return nil }}, err
}
