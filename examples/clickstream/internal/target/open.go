package target

import (
	"io"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/elastic"
	"github.com/millrace/millrace/sink/file"
	"github.com/millrace/millrace/sink/postgres"
	"github.com/millrace/millrace/sink/print"
	"github.com/millrace/millrace/sink/sqlite"
	"github.com/millrace/millrace/sink/table"
	"github.com/millrace/millrace/source/kafka/cluster"
)

// Rows is what a target must know of the rows it takes.
type Rows[T any] struct {
	Columns table.Columns[T]
	Key     func(T) string // of a record in Kafka
}

// Env is what some kinds need besides the URL.
type Env struct {
	Brokers    []string       // of the cluster for kafka:
	Connection cluster.Config // how to reach it
	Group      string         // the computation, which names its transactions
	Out        io.Writer      // for print:
}

// Open makes the sink. It connects to nothing yet.
func Open[T any](t Target, rows Rows[T], env Env) sink.Sink[T] {
	switch t.Kind {
	case sqliteKind.name:
		return sqlite.Upsert(t.Path, t.Table(), rows.Columns)
	case postgresKind.name:
		return postgres.Upsert(t.Path, t.Table(), rows.Columns)
	case elasticKind.name:
		urls, opts := elasticServers(t.Path)
		return elastic.Upsert(urls, t.Table(), rows.Columns, opts...)
	case csvKind.name:
		return file.CSV(t.Path, rows.Columns)
	case jsonlKind.name:
		return file.JSONLines(t.Path, rows.Columns)
	case kafkaKind.name:
		return openKafka(t, rows, env)
	case parquetKind.name, csvDirKind.name, jsonlDirKind.name, s3Kind.name:
		return openParts(t, rows.Columns)
	default:
		return print.Columns(rows.Columns, print.To(env.Out))
	}
}
