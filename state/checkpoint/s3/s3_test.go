package s3_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/checkpoint"
	"github.com/millrace/millrace/state/checkpoint/checkpointtest"
	"github.com/millrace/millrace/state/checkpoint/s3"
	"github.com/millrace/millrace/state/pebble"
)

const bucketName = "checkpoints"

// places makes empty places on a server.
func places(t *testing.T, url, id, secret string) func(*testing.T) checkpoint.Storage {
	t.Helper()
	client, err := minio.New(strings.TrimPrefix(url, "http://"), &minio.Options{Creds: credentials.NewStaticV4(id, secret, ""), BucketLookup: minio.BucketLookupPath})
	require.NoError(t, err)
	there, err := client.BucketExists(t.Context(), bucketName)
	require.NoError(t, err)
	if !there {
		require.NoError(t, client.MakeBucket(t.Context(), bucketName, minio.MakeBucketOptions{}))
	}
	return func(*testing.T) checkpoint.Storage {
		l := s3.Location{Bucket: bucketName, Prefix: strings.ToLower(rand.Text()[:10]) + "/job", Endpoint: url, Region: "us-east-1", PathStyle: true}
		return s3.Storage(l, s3.Credentials(id, secret, ""))
	}
}

func fake(t *testing.T) func(*testing.T) checkpoint.Storage {
	t.Helper()
	srv := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	t.Cleanup(srv.Close)
	return places(t, srv.URL, "test-id", "test-secret-that-nobody-prints")
}

func TestFakeServer(t *testing.T) {
	checkpointtest.TestStorage(t, fake(t), checkpointtest.Traits{Large: 20 << 20})
}

func TestState(t *testing.T) { comesBack(t, fake(t)(t)) }

// comesBack: state goes to the store and comes back, only what is new goes, and what is not needed any more is removed.
func comesBack(t *testing.T, place checkpoint.Storage) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	store, err := pebble.Backend().Open(dir, 4<<20)
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	a, k := checkpoint.Open(place), checkpoint.NewKeeper(place, checkpoint.Keep(2))
	for n := range int64(4) {
		var b state.Batch
		b.Set([]byte("mjob"), []byte(`{"Format":1,"Job":"shop","MaxParallelism":128}`))
		for i := range 2000 {
			b.Set(fmt.Appendf(nil, "s%06d", int64(i)+n*50), fmt.Appendf(nil, "%d in %d", i*7919, n))
		}
		require.NoError(t, store.Commit(&b))
		i, err := k.Take(t.Context(), runtime.ImageMoment{
			Job: "shop", Backend: "pebble", StateDir: dir, Store: store, Hold: func(_ context.Context, f func() error) error { return f() },
		})
		require.NoError(t, err)
		require.NoError(t, i.Warning)
		require.Equal(t, n+1, i.Number)
		_, err = a.Verify(t.Context(), i.Number)
		require.NoError(t, err)
		to := filepath.Join(t.TempDir(), "restored")
		_, err = a.Restore(t.Context(), i.Number, "shop", pebble.Backend(), to)
		require.NoError(t, err)
		again, err := pebble.Backend().Open(to, 4<<20)
		require.NoError(t, err)
		require.Equal(t, content(t, store), content(t, again))
		require.NoError(t, again.Close())
	}
	list, err := a.List(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 2)
}

func content(t *testing.T, s state.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, s.Scan(nil, nil, func(k, v []byte) bool {
		all[string(k)] = string(v)
		return true
	}))
	return all
}

func TestErrorsNameThePlaceAndNoSecret(t *testing.T) {
	l := s3.Location{Bucket: "missing-bucket", Prefix: "a", Endpoint: "http://127.0.0.1:1", Region: "us-east-1", PathStyle: true}
	s := s3.Storage(l, s3.Credentials("id", "a-secret", ""))
	require.Equal(t, "s3://missing-bucket/a", s.String())
	_, _, err := s.Get(t.Context(), "archive.json")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "a-secret")
	require.Error(t, s.Upload(t.Context(), "files/a", filepath.Join(t.TempDir(), "missing"), 1))
	require.Error(t, s3.Storage(s3.Location{Bucket: "UPPER"}).Remove(t.Context(), "x"))
}
