package parquet

import (
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/millrace/millrace/sink/table"
)

// schemaOf maps columns to leaves, in their order.
func schemaOf[T any](columns table.Columns[T]) *parquet.Schema {
	root := ordered{Group: parquet.Group{}}
	for _, col := range columns.All() {
		node := leaf(col.Type())
		if col.IsNullable() {
			node = parquet.Optional(node)
		} else {
			node = parquet.Required(node)
		}
		root.Group[col.Name()] = node
		root.names = append(root.names, col.Name())
	}
	return parquet.NewSchema("row", root)
}

// leaf uses encodings that all readers know: a dictionary for text that repeats, differences for numbers that grow.
func leaf(t table.Type) parquet.Node {
	switch t {
	case table.TextType:
		return parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
	case table.IntType:
		return parquet.Encoded(parquet.Int(64), &parquet.DeltaBinaryPacked)
	case table.FloatType:
		return parquet.Leaf(parquet.DoubleType)
	case table.BoolType:
		return parquet.Leaf(parquet.BooleanType)
	case table.TimeType:
		return parquet.Encoded(parquet.Timestamp(parquet.Microsecond), &parquet.DeltaBinaryPacked)
	}
	return parquet.Leaf(parquet.ByteArrayType)
}

// ordered is a group that keeps the order of its columns; parquet.Group sorts them by name.
type ordered struct {
	parquet.Group
	names []string
}

// Fields are the columns in the order in which they were described.
func (o ordered) Fields() []parquet.Field {
	fields := o.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int { return slices.Index(o.names, a.Name()) - slices.Index(o.names, b.Name()) })
	return fields
}

func keyNames[T any](columns table.Columns[T]) string {
	var names []string
	for _, col := range columns.Keys() {
		names = append(names, col.Name())
	}
	return strings.Join(names, ",")
}
