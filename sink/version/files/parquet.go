package files

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/millrace/millrace/sink/format"
	"github.com/millrace/millrace/sink/table"
	"github.com/millrace/millrace/sink/version"
)

// readParquet reads what sink/parquet writes: flat columns, in the order of the description.
func readParquet(f fs.File, columns []format.Column, add func([]version.Value) error) error {
	at, ok := f.(io.ReaderAt)
	if !ok {
		return errors.New("the file cannot be read at any place, which Parquet needs")
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	file, err := parquet.OpenFile(at, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return err
	}
	fields := file.Schema().Fields()
	if len(fields) != len(columns) {
		return fmt.Errorf("it has %d columns, the location says %d", len(fields), len(columns))
	}
	for i, field := range fields {
		if field.Name() != columns[i].Name {
			return fmt.Errorf("its column %d is %s, the location says %s", i+1, field.Name(), columns[i].Name)
		}
	}
	for _, group := range file.RowGroups() {
		if err := readGroup(group, columns, add); err != nil {
			return err
		}
	}
	return nil
}

func readGroup(group parquet.RowGroup, columns []format.Column, add func([]version.Value) error) (err error) {
	r := group.Rows()
	defer func() { err = errors.Join(err, r.Close()) }()
	buf := make([]parquet.Row, 512)
	for {
		n, err := r.ReadRows(buf)
		for _, values := range buf[:n] {
			row := make([]version.Value, len(columns))
			for _, v := range values {
				row[v.Column()] = fromParquet(columns[v.Column()].Type, v)
			}
			if err := add(row); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func fromParquet(typ string, v parquet.Value) version.Value {
	if v.IsNull() {
		return version.Value{}
	}
	switch typ {
	case "integer":
		return version.Int(v.Int64())
	case "float":
		return version.Float(v.Double())
	case "boolean":
		return version.Bool(v.Boolean())
	case "bytes":
		return version.Text(hex.EncodeToString(v.ByteArray()))
	case "time":
		return version.Text(string(table.AppendTime(nil, time.UnixMicro(v.Int64()))))
	}
	return version.Text(string(v.ByteArray()))
}
