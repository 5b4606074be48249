package s3_test

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/format"
	"github.com/millrace/millrace/sink/parquet"
	"github.com/millrace/millrace/sink/s3"
	"github.com/millrace/millrace/sink/sinktest"
)

type record = sinktest.Record

// formats are those that the kit runs with.
func formats() map[string]format.Format[record] {
	return map[string]format.Format[record]{
		"csv":     format.CSV(sinktest.Columns),
		"jsonl":   format.JSONLines(sinktest.Columns),
		"gzip":    format.Gzip(format.CSV(sinktest.Columns)),
		"zstd":    format.Zstd(format.JSONLines(sinktest.Columns)),
		"parquet": parquet.Format(sinktest.Columns),
	}
}

// conform runs the kit against a server.
func conform(t *testing.T, srv *server, f format.Format[record]) {
	tests := 0
	sinktest.Run(t, sinktest.Config[record]{
		New: func(t *testing.T) sinktest.Target[record] {
			tests++
			place := srv.location(fmt.Sprintf("%s/%s/v%d", path.Base(t.Name()), f.Name(), tests))
			return sinktest.Target[record]{
				Sink: func() sink.Sink[record] { return s3.Sink(place, f, srv.key()) },
				Rows: func(t *testing.T) (rows []record) {
					for _, o := range srv.objects(t, place) {
						if !strings.HasPrefix(o.name, "_") {
							rows = append(rows, decode(t, o)...)
						}
					}
					return rows
				},
			}
		},
		Value:    sinktest.Same,
		Features: sinktest.Features{Commits: true, Parallel: true},
	})
	require.Positive(t, tests)
}

func TestConforms(t *testing.T) {
	for name, f := range formats() {
		t.Run(name, func(t *testing.T) { conform(t, fake(t, nil), f) })
	}
}
