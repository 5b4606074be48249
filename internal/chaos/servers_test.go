//go:build integration

package chaos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/testservers/servers"
)

// world is what the job's processes depend on: a broker and a database, each behind a proxy.
type world struct {
	kafka                     *servers.Kafka
	postgres                  *servers.Postgres
	kafkaProxy, postgresProxy *toxiproxy.Proxy
}

// newWorld starts servers in dir; they end with the test.
func newWorld(t *testing.T, dir string) *world {
	t.Helper()
	w := &world{}
	zerolog.SetGlobalLevel(zerolog.Disabled) // some toxics have a logger of their own
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	// The broker has to know the proxy's address, and the proxy the broker's: the proxy's comes first.
	w.kafkaProxy = toxiproxy.NewProxy(api, "kafka", freeAddress(t), "")
	kafkaDir, postgresDir := emptyDir(t, dir, "kafka"), emptyDir(t, dir, "postgres")
	var kafkaErr, postgresErr error
	var starting sync.WaitGroup
	starting.Go(func() { w.kafka, kafkaErr = servers.StartKafkaBehind(t.Context(), kafkaDir, w.kafkaProxy.Listen) })
	starting.Go(func() { w.postgres, postgresErr = servers.StartPostgres(t.Context(), postgresDir) })
	starting.Wait()
	t.Cleanup(func() {
		if w.kafka != nil {
			require.NoError(t, w.kafka.Stop())
		}
		if w.postgres != nil {
			require.NoError(t, w.postgres.Stop())
		}
	})
	require.NoError(t, errors.Join(kafkaErr, postgresErr))
	w.kafkaProxy.Upstream = w.kafka.Behind
	w.postgresProxy = toxiproxy.NewProxy(api, "postgres", freeAddress(t), fmt.Sprintf("127.0.0.1:%d", w.postgres.Port()))
	for _, p := range []*toxiproxy.Proxy{w.kafkaProxy, w.postgresProxy} {
		require.NoError(t, p.Start())
		t.Cleanup(p.Stop)
	}
	return w
}

// through is where the job's processes find the servers.
func (w *world) through(s jobSpec) jobSpec {
	s.Brokers = w.kafkaProxy.Listen
	s.DSN = "postgres://postgres@" + w.postgresProxy.Listen + "/postgres?sslmode=disable&connect_timeout=5"
	return s
}

// direct is the same without proxies, for the one who compares.
func (w *world) direct(s jobSpec) jobSpec {
	s.Brokers, s.DSN = w.kafka.Plaintext, w.postgres.DSN()
	return s
}

// restartKafka ends the broker, in order or not, and starts it again.
func (w *world) restartKafka(ctx context.Context, kill bool) error {
	end := w.kafka.Stop
	if kill {
		end = w.kafka.Kill
	}
	if err := end(); err != nil {
		return err
	}
	return w.kafka.Start(ctx)
}

// restartPostgres does so with the database.
func (w *world) restartPostgres(ctx context.Context, crash bool) error {
	if crash {
		if err := w.postgres.Crash(); err != nil {
			return err
		}
		time.Sleep(200 * time.Millisecond) // clients see it gone
	}
	return w.postgres.Restart(ctx)
}

func emptyDir(t *testing.T, under, name string) string {
	t.Helper()
	dir := filepath.Join(under, name)
	require.NoError(t, os.Mkdir(dir, 0o755))
	return dir
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}
