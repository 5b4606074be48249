package main

import (
	"context"

	"github.com/millrace/millrace/internal/testservers/servers"
)

// startS3 starts an S3 server: "url", and the key "id" with its "secret".
func startS3(ctx context.Context, dir string) (server, error) {
	s, err := servers.StartS3Proxy(ctx, dir)
	if err != nil {
		return server{}, err
	}
	return server{facts: map[string]string{"url": s.URL, "id": s.ID, "secret": s.Secret}, stop: s.Stop}, nil
}
