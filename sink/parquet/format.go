package parquet

import (
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/file"
	"github.com/millrace/millrace/sink/format"
	"github.com/millrace/millrace/sink/table"
)

// KeyMetadata is where a file's metadata name the columns of the key, separated by commas.
const KeyMetadata = "millrace.key"

// Option changes how files are made.
type Option func(*settings)

type settings struct{ groupBytes, groupRows int64 }

// RowGroupBytes is the size at which a row group is full, in bytes of its values before encoding and compression; 32 MiB without it. Each Writer holds one in memory.
func RowGroupBytes(n int64) Option { return func(s *settings) { s.groupBytes = n } }

// RowGroupRows is the number of rows at which a row group is full; 1,000,000 without it. A batch is not divided.
func RowGroupRows(n int64) Option { return func(s *settings) { s.groupRows = n } }

// Dir writes Parquet files to a directory, as file.Directory does with other formats.
func Dir[T any](dir string, columns table.Columns[T], options ...file.Option) sink.Sink[T] {
	return file.Directory(dir, Format(columns), options...)
}

// Format is Parquet with the given columns.
func Format[T any](columns table.Columns[T], options ...Option) format.Format[T] {
	f := &parquetFormat[T]{columns: columns, settings: settings{groupBytes: 32 << 20, groupRows: 1_000_000}}
	for _, o := range options {
		o(&f.settings)
	}
	if f.invalid = columns.Validate(); f.invalid == nil {
		f.schema = schemaOf(columns)
	}
	if f.settings.groupBytes <= 0 || f.settings.groupRows <= 0 {
		f.invalid = errors.Join(f.invalid, fmt.Errorf("a row group is full at %d bytes or %d rows: give numbers above zero", f.settings.groupBytes, f.settings.groupRows))
	}
	return f
}

type parquetFormat[T any] struct {
	columns  table.Columns[T]
	settings settings
	schema   *parquet.Schema // nil if invalid
	invalid  error
}

func (f *parquetFormat[T]) Name() string        { return "parquet" }
func (f *parquetFormat[T]) Ext() string         { return ".parquet" }
func (f *parquetFormat[T]) ContentType() string { return "application/vnd.apache.parquet" }
func (f *parquetFormat[T]) Validate() error     { return f.invalid }

func (f *parquetFormat[T]) Columns() []format.Column { return format.ColumnsOf(f.columns) }

func (f *parquetFormat[T]) Encoder() format.Encoder[T] {
	e := &encoder[T]{format: f, list: f.columns.All()}
	e.writer = parquet.NewWriter(&e.out, f.schema,
		parquet.CreatedBy("millrace", "1.0.0", "parquet-go"),
		parquet.KeyValueMetadata(KeyMetadata, keyNames(f.columns)),
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedDefault, Concurrency: 1}),
		parquet.DictionaryMaxBytes(1<<20),
		parquet.WriteBufferSize(0), // it writes to memory
	)
	return e
}
