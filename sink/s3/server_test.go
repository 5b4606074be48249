package s3_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	pq "github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink/s3"
)

const (
	bucket = "results"
	id     = "test-id"
	secret = "test-secret-that-nobody-prints"
)

// server is an S3 server with a bucket.
type server struct {
	url        string
	id, secret string
	core       *minio.Core
	space      string // a prefix that no other test of the server uses
}

// fake is a server in the process; around, if not nil, sees each request before it.
func fake(t *testing.T, around func(http.Handler) http.Handler) *server {
	t.Helper()
	h := gofakes3.New(s3mem.New()).Server()
	if around != nil {
		h = around(h)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return newServer(t, srv.URL, id, secret)
}

func newServer(t *testing.T, url, id, secret string) *server {
	t.Helper()
	core, err := minio.NewCore(strings.TrimPrefix(url, "http://"), &minio.Options{Creds: credentials.NewStaticV4(id, secret, ""), BucketLookup: minio.BucketLookupPath})
	require.NoError(t, err)
	there, err := core.BucketExists(t.Context(), bucket)
	require.NoError(t, err)
	if !there {
		require.NoError(t, core.MakeBucket(t.Context(), bucket, minio.MakeBucketOptions{}))
	}
	return &server{url, id, secret, core, strings.ToLower(rand.Text()[:8])}
}

func (s *server) location(prefix string) s3.Location {
	return s3.Location{Bucket: bucket, Prefix: s.space + "/" + strings.ReplaceAll(prefix, "+", "-"), Endpoint: s.url, Region: "us-east-1", PathStyle: true}
}

func (s *server) key() s3.Option { return s3.Credentials(s.id, s.secret, "") }

type object struct {
	name string // below the location
	data []byte
}

// objects are those that a reader sees.
func (s *server) objects(t *testing.T, l s3.Location) (all []object) {
	t.Helper()
	for info := range s.core.Client.ListObjectsIter(t.Context(), l.Bucket, minio.ListObjectsOptions{Prefix: l.Prefix + "/", Recursive: true}) {
		require.NoError(t, info.Err)
		r, _, _, err := s.core.GetObject(t.Context(), l.Bucket, info.Key, minio.GetObjectOptions{})
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		all = append(all, object{strings.TrimPrefix(info.Key, l.Prefix+"/"), data})
	}
	return all
}

func (s *server) names(t *testing.T, l s3.Location) (names []string) {
	t.Helper()
	for _, o := range s.objects(t, l) {
		names = append(names, o.name)
	}
	return names
}

// uploads are those under way at a location, by their objects' names.
func (s *server) uploads(t *testing.T, l s3.Location) (names []string) {
	t.Helper()
	page, err := s.core.ListMultipartUploads(t.Context(), l.Bucket, l.Prefix+"/", "", "", "", 1000)
	if minio.ToErrorResponse(err).Code == "NoSuchUpload" {
		return nil
	}
	require.NoError(t, err)
	for _, u := range page.Uploads {
		if name, mine := strings.CutPrefix(u.Key, l.Prefix+"/"); mine {
			names = append(names, name)
		}
	}
	return names
}

// decode reads an object by what its name ends in.
func decode(t *testing.T, o object) (rows []record) {
	t.Helper()
	switch {
	case strings.HasSuffix(o.name, ".gz"):
		r, err := gzip.NewReader(bytes.NewReader(o.data))
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		return decode(t, object{strings.TrimSuffix(o.name, ".gz"), data})
	case strings.HasSuffix(o.name, ".zst"):
		r, err := zstd.NewReader(bytes.NewReader(o.data))
		require.NoError(t, err)
		defer r.Close()
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		return decode(t, object{strings.TrimSuffix(o.name, ".zst"), data})
	case strings.HasSuffix(o.name, ".csv"):
		return decodeCSV(t, o.data)
	case strings.HasSuffix(o.name, ".jsonl"):
		lines := bufio.NewScanner(bytes.NewReader(o.data))
		lines.Buffer(nil, 8<<20)
		for lines.Scan() {
			var r record
			require.NoError(t, json.Unmarshal(lines.Bytes(), &r), "%s", lines.Bytes())
			rows = append(rows, r)
		}
		require.NoError(t, lines.Err())
	case strings.HasSuffix(o.name, ".parquet"):
		return decodeParquet(t, o.data)
	default:
		t.Fatalf("object %s", o.name)
	}
	return rows
}

func decodeCSV(t *testing.T, data []byte) (rows []record) {
	t.Helper()
	lines, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"id", "seq", "text", "number", "ratio", "flag"}, lines[0])
	for _, l := range lines[1:] {
		seq, err1 := strconv.ParseInt(l[1], 10, 64)
		number, err2 := strconv.ParseInt(l[3], 10, 64)
		ratio, err3 := strconv.ParseFloat(l[4], 64)
		flag, err4 := strconv.ParseBool(l[5])
		for _, err := range []error{err1, err2, err3, err4} {
			require.NoError(t, err)
		}
		rows = append(rows, record{ID: l[0], Seq: seq, Text: l[2], Number: number, Ratio: ratio, Flag: flag})
	}
	return rows
}

func decodeParquet(t *testing.T, data []byte) (rows []record) {
	t.Helper()
	type row struct {
		ID     string  `parquet:"id"`
		Seq    int64   `parquet:"seq"`
		Text   string  `parquet:"text"`
		Number int64   `parquet:"number"`
		Ratio  float64 `parquet:"ratio"`
		Flag   bool    `parquet:"flag"`
	}
	r := pq.NewGenericReader[row](bytes.NewReader(data))
	defer r.Close()
	buf := make([]row, 512)
	for {
		n, err := r.Read(buf)
		for _, b := range buf[:n] {
			rows = append(rows, record(b))
		}
		if err == io.EOF {
			return rows
		}
		require.NoError(t, err)
	}
}
