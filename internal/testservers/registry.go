package main

import (
	"context"

	"github.com/millrace/millrace/internal/testservers/servers"
)

// startRegistry starts an Apicurio Registry; its fact is the "url" of the interface that is compatible with Confluent's.
func startRegistry(ctx context.Context, dir string) (server, error) {
	r, err := servers.StartRegistry(ctx, dir)
	if err != nil {
		return server{}, err
	}
	return server{map[string]string{"url": r.URL}, r.Stop}, nil
}
