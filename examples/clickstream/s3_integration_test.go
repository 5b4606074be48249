//go:build integration

package main

import (
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/testservers/ondemand"
	"github.com/millrace/millrace/sink/s3"
)

// TestReplayIntoBucket computes two versions of the sample from Apache Kafka below one prefix of a real S3 server, and reads the objects back. No run writes where another has.
func TestReplayIntoBucket(t *testing.T) {
	facts := ondemand.Need(t, "s3")
	t.Setenv("AWS_ACCESS_KEY_ID", facts["id"])
	t.Setenv("AWS_SECRET_ACCESS_KEY", facts["secret"])
	bucket := fmt.Sprintf("kappa-%d", time.Now().UnixNano())
	client, err := minio.New(strings.TrimPrefix(facts["url"], "http://"), &minio.Options{Creds: credentials.NewStaticV4(facts["id"], facts["secret"], ""), BucketLookup: minio.BucketLookupPath})
	require.NoError(t, err)
	require.NoError(t, client.MakeBucket(t.Context(), bucket, minio.MakeBucketOptions{}))

	log := newRealLog(t)
	do(t, log.args("produce", "--in", filepath.Join(testdata, "ecom.jsonl.gz"))...)
	wide, narrow := wantSessions(t, "ecom-sessions-30m.csv.gz"), wantSessions(t, "ecom-sessions-15m.csv.gz")
	for _, format := range []string{"parquet", "jsonl"} {
		t.Run(format, func(t *testing.T) {
			place := s3.Location{Bucket: bucket, Prefix: format, Endpoint: facts["url"], Region: "us-east-1", PathStyle: true}
			query := url.Values{"format": {format}, "endpoint": {place.Endpoint}, "region": {place.Region}, "path-style": {"true"}}
			sink := []string{"--sink", place.String() + "/?" + query.Encode(), "--data", t.TempDir()} // a result of its own, with its own catalog
			said := do(t, append(log.as("v1", "run", "--until-end"), sink...)...)
			said += do(t, append(log.as("v2", "replay", "--gap", "15m", "--checkpoint-every", "200ms"), sink...)...)
			require.Contains(t, said, place.String()+"/sessions/v2")
			require.NotContains(t, said, facts["secret"])
			rows := func(table string) [][]string {
				i := strings.LastIndexByte(table, '_')
				objects, err := s3.Files(t.Context(), place.Below(table[:i]+"/"+table[i+1:]))
				require.NoError(t, err)
				_, err = fs.Stat(objects, "_SUCCESS")
				require.NoError(t, err)
				return partRows(t, objects)
			}
			exactRows(t, rows, "_v1", wide, 30)
			exactRows(t, rows, "_v2", narrow, 15)

			again := append(log.args("replay", "--version", "v2", "--gap", "30m", "--group", log.topic+"-again"), sink...)
			require.Contains(t, refuse(t, append(again, "--data", t.TempDir())...), "a result of another run is in the way")
			exactRows(t, rows, "_v2", narrow, 15)

			text, code := resultOf(t, append([]string{"compare", "v1", "v2"}, sink...)...)
			require.Equal(t, 1, code)
			require.Contains(t, text, "3,605 = 3,490 + 115\n3,722 = 3,490 + 232\n")
		})
	}
}
