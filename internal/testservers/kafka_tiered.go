package main

import (
	"context"

	"github.com/millrace/millrace/internal/testservers/servers"
)

// startTieredKafka tells the broker's address, and the folders of its own disk and of its remote storage.
func startTieredKafka(ctx context.Context, dir string) (server, error) {
	k, err := servers.StartTieredKafka(ctx, dir)
	if err != nil {
		return server{}, err
	}
	return server{facts: map[string]string{"brokers": k.Plaintext, "data": k.Data(), "remote": k.Remote()}, stop: k.Stop}, nil
}
