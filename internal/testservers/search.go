package main

import (
	"context"

	"github.com/millrace/millrace/internal/testservers/servers"
)

// startSearch starts a search server; tests get its "url".
func startSearch(product servers.SearchProduct) func(ctx context.Context, dir string) (server, error) {
	return func(ctx context.Context, dir string) (server, error) {
		s, err := servers.StartSearch(ctx, product, dir)
		if err != nil {
			return server{}, err
		}
		return server{facts: map[string]string{"url": s.URL}, stop: s.Stop}, nil
	}
}
