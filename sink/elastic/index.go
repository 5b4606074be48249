package elastic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/millrace/millrace/sink/table"
)

// longestTerm is how many characters a text may have to be found by its value: an index holds terms of at most 32,766 bytes, and a character has at most 4.
const longestTerm = 8191

// fieldType is how a column's values are held, and the types of existing fields that take every value of it.
type fieldType struct {
	name   string
	accept []string
	more   []string // accepted as well where the column is no key, by which rows are sorted and told apart
}

var fieldTypes = [...]fieldType{
	table.TextType:  {"keyword", []string{"keyword", "wildcard"}, []string{"text", "match_only_text"}},
	table.IntType:   {"long", []string{"long"}, nil},
	table.FloatType: {"double", []string{"double"}, nil},
	table.BoolType:  {"boolean", []string{"boolean"}, nil},
	table.BytesType: {"keyword", []string{"keyword", "wildcard"}, nil},
	table.TimeType:  {"date", []string{"date", "date_nanos"}, nil},
}

// The parts of an index's description that matter here. Fields of other indexes may have more to them.
type (
	field struct {
		Type        string `json:"type,omitempty"`
		IgnoreAbove int    `json:"ignore_above,omitempty"`
	}
	mapping struct {
		Dynamic    json.RawMessage  `json:"dynamic,omitempty"`
		Meta       *meta            `json:"_meta,omitempty"`
		Source     *source          `json:"_source,omitempty"`
		Routing    *routing         `json:"_routing,omitempty"`
		Properties map[string]field `json:"properties,omitempty"`
	}
	meta struct {
		Millrace *madeBy `json:"millrace,omitempty"`
	}
	// madeBy is left in an index that a sink made: ids come from the key, so another key would not find its rows. The columns are there for their order.
	madeBy struct {
		Key     []string `json:"key"`
		Columns []string `json:"columns,omitempty"`
	}
	source struct {
		Enabled *bool `json:"enabled,omitempty"`
	}
	routing struct {
		Required bool `json:"required,omitempty"`
	}
	settings struct {
		Shards   int  `json:"number_of_shards,omitempty"`
		Replicas *int `json:"number_of_replicas,omitempty"`
	}
	description struct {
		Mappings mapping   `json:"mappings"`
		Settings *settings `json:"settings,omitempty"`
	}
)

// describe is the index that the columns ask for.
func describe[T any](columns table.Columns[T], c config) description {
	d := description{Mappings: mapping{
		Dynamic: json.RawMessage(`"strict"`), Meta: &meta{&madeBy{keyNames(columns), names(columns.All())}}, Properties: map[string]field{},
	}}
	for _, col := range columns.All() {
		f := field{Type: fieldTypes[col.Type()].name}
		if f.Type == "keyword" && !col.IsKey() {
			f.IgnoreAbove = longestTerm
		}
		d.Mappings.Properties[col.Name()] = f
	}
	if c.shards > 0 || c.replicas >= 0 {
		d.Settings = &settings{Shards: c.shards}
		if c.replicas >= 0 {
			d.Settings.Replicas = &c.replicas
		}
	}
	return d
}

func keyNames[T any](columns table.Columns[T]) []string { return names(columns.Keys()) }

func names[T any](columns []table.Column[T]) (all []string) {
	for _, col := range columns {
		all = append(all, col.Name())
	}
	return all
}

// ensureIndex makes the index unless it is there, compares it with the columns, and returns its identity. Of several that make it at once one succeeds, and the others find it there.
func ensureIndex[T any](ctx context.Context, c *client, name string, columns table.Columns[T], conf config) (uuid string, err error) {
	if uuid, err = verify(ctx, c, name, columns); !isStatus(err, http.StatusNotFound) {
		return uuid, err
	}
	body, err := json.Marshal(describe(columns, conf))
	if err != nil {
		return "", err
	}
	err = c.do(ctx, request{method: http.MethodPut, path: "/" + name, body: body}, nil)
	if err != nil && !isKind(err, "resource_already_exists_exception") {
		return "", fmt.Errorf("creating the index: %w", err)
	}
	return verify(ctx, c, name, columns)
}

// found is an index as the server describes it.
type found struct {
	Mappings mapping `json:"mappings"`
	Settings struct {
		Index struct {
			UUID string `json:"uuid"`
		} `json:"index"`
	} `json:"settings"`
}

// verify compares the index with the columns, tells all differences at once, and returns the index's identity.
func verify[T any](ctx context.Context, c *client, name string, columns table.Columns[T]) (uuid string, err error) {
	var indexes map[string]found
	if err := c.do(ctx, request{method: http.MethodGet, path: "/" + name}, &indexes); err != nil {
		return "", err
	}
	index, itself := indexes[name]
	if !itself {
		var behind []string
		for other := range indexes {
			behind = append(behind, other)
		}
		slices.Sort(behind)
		return "", fmt.Errorf("%w: %s is an alias or data stream (of %s), which readers use; write to an index of its own", ErrSchema, name, strings.Join(behind, ", "))
	}
	if problems := differences(index.Mappings, columns); len(problems) > 0 {
		return "", fmt.Errorf("%w: %s; write to another index", ErrSchema, strings.Join(problems, "; "))
	}
	return index.Settings.Index.UUID, nil
}

func differences[T any](m mapping, columns table.Columns[T]) (problems []string) {
	for _, col := range columns.All() {
		typ := fieldTypes[col.Type()]
		has, ok := m.Properties[col.Name()]
		if has.Type == "" {
			has.Type = "object" // which is what a field without a type is
		}
		switch {
		case !ok:
			problems = append(problems, fmt.Sprintf("field %s is missing", col.Name()))
		case !slices.Contains(typ.accept, has.Type) && (col.IsKey() || !slices.Contains(typ.more, has.Type)):
			problems = append(problems, fmt.Sprintf("field %s is %s, wanted %s", col.Name(), has.Type, typ.name))
		}
	}
	if m.Meta != nil && m.Meta.Millrace != nil {
		if has, wanted := m.Meta.Millrace.Key, keyNames(columns); !slices.Equal(has, wanted) {
			problems = append(problems, fmt.Sprintf("the key is (%s), wanted (%s)", strings.Join(has, ", "), strings.Join(wanted, ", ")))
		}
	}
	if m.Source != nil && m.Source.Enabled != nil && !*m.Source.Enabled {
		problems = append(problems, "documents are not stored (_source is disabled), so nobody could read the rows")
	}
	if m.Routing != nil && m.Routing.Required {
		problems = append(problems, "documents need a routing value, and rows have none")
	}
	return problems
}

// identity is the index's present one. A deleted index that a write has made again has another.
func identity(ctx context.Context, c *client, name string) (uuid string, err error) {
	var indexes map[string]found
	err = c.do(ctx, request{method: http.MethodGet, path: "/" + name + "/_settings", query: url.Values{"filter_path": {"*.settings.index.uuid"}}}, &indexes)
	if isStatus(err, http.StatusNotFound) {
		return "", nil
	}
	return indexes[name].Settings.Index.UUID, err
}

// refresh makes everything written so far searchable.
func refresh(ctx context.Context, c *client, names ...string) error {
	err := c.do(ctx, request{method: http.MethodPost, path: "/" + strings.Join(names, ",") + "/_refresh"}, nil)
	if err != nil {
		return fmt.Errorf("refreshing: %w", err)
	}
	return nil
}

var errGone = errors.New("the index was deleted while the job wrote to it, and the rows are gone: compute them again into a new one")
