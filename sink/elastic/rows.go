package elastic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/sink/version"
)

const (
	pageRows = 2000
	// pageKeep is how long the server keeps the moment that is read while the receiver works on a page.
	pageKeep = "5m"

	scrollTimeout = 5 * time.Second
)

// Count implements version.Reader.
func (c *Catalog) Count(ctx context.Context, name, reader string) (int64, error) {
	var answer struct {
		Count int64 `json:"count"`
	}
	index, err := c.find(ctx, name, reader)
	if err == nil {
		err = c.client.do(ctx, request{method: http.MethodGet, path: "/" + index + "/_count"}, &answer)
	}
	return answer.Count, c.explain(ctx, err)
}

// find is the index of a version's table, with everything written so far to be seen.
func (c *Catalog) find(ctx context.Context, name, reader string) (index string, err error) {
	l, err := c.look(ctx)
	if err != nil {
		return "", err
	}
	if index, err = l.Place(name, reader); err != nil {
		return "", err
	}
	if err = refresh(ctx, c.client, index); isStatus(err, http.StatusNotFound) {
		return "", fmt.Errorf("version %s, table %s: the index %s has not been made yet, or was deleted: %w", name, reader, index, version.ErrUnknown)
	}
	return index, err
}

// Rows implements version.Reader. The index must tell its key, as those do that Upsert has made.
func (c *Catalog) Rows(ctx context.Context, name, reader string) (version.Rows, error) {
	rows, err := c.rows(ctx, name, reader)
	return rows, c.explain(ctx, err)
}

func (c *Catalog) rows(ctx context.Context, name, reader string) (version.Rows, error) {
	index, err := c.find(ctx, name, reader)
	if err != nil {
		return version.Rows{}, err
	}
	var indexes map[string]found
	if err := c.client.do(ctx, request{method: http.MethodGet, path: "/" + index + "/_mapping"}, &indexes); err != nil {
		return version.Rows{}, err
	}
	p, err := plan(index, indexes[index].Mappings)
	if err != nil {
		return version.Rows{}, err
	}
	// The first page is asked for now, so that the rows are those of this moment.
	first, err := c.scroll(ctx, request{method: http.MethodPost, path: "/" + index + "/_search", query: url.Values{"scroll": {pageKeep}}, body: p.search()})
	if err != nil {
		return version.Rows{}, err
	}
	return version.Rows{Columns: p.columns, All: func(yield func([]version.Value, error) bool) {
		last := first.ID
		defer func() { c.forget(ctx, last) }()
		ordered := p.order(yield)
		for page := first; len(page.Hits.Hits) > 0; last = page.ID {
			for _, hit := range page.Hits.Hits {
				row, err := p.row(hit.Source)
				if err != nil {
					yield(nil, c.explain(ctx, fmt.Errorf("document %s of %s: %w", hit.ID, index, err)))
					return
				}
				if !ordered.take(row) {
					return
				}
			}
			body, err := json.Marshal(map[string]string{"scroll": pageKeep, "scroll_id": page.ID})
			if err == nil {
				page, err = c.scroll(ctx, request{method: http.MethodPost, path: "/_search/scroll", body: body})
			}
			if err != nil {
				yield(nil, c.explain(ctx, err))
				return
			}
		}
		ordered.end()
	}}, nil
}

// page is a part of the answer to a search.
type page struct {
	ID       string `json:"_scroll_id"`
	TimedOut bool   `json:"timed_out"`
	Shards   struct {
		Failed int `json:"failed"`
	} `json:"_shards"`
	Hits struct {
		Hits []struct {
			ID     string                     `json:"_id"`
			Source map[string]json.RawMessage `json:"_source"`
		} `json:"hits"`
	} `json:"hits"`
}

func (c *Catalog) scroll(ctx context.Context, r request) (p page, err error) {
	if err := c.client.do(ctx, r, &p); err != nil {
		return p, err
	}
	if p.TimedOut || p.Shards.Failed > 0 {
		return p, fmt.Errorf("%s: only a part of the index answered (%d shards failed), so rows would be missing", r.path, p.Shards.Failed)
	}
	return p, nil
}

// forget lets the server drop the moment that was read; it would by itself, later.
func (c *Catalog) forget(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), scrollTimeout)
	defer cancel()
	body, err := json.Marshal(map[string]string{"scroll_id": id})
	if err == nil {
		_ = c.client.do(ctx, request{method: http.MethodDelete, path: "/_search/scroll", body: body}, nil) // whatever it says, all rows were read
	}
}

// rowPlan is how rows are read from an index.
type rowPlan struct {
	columns []version.Column
	types   []string
	keys    []int
	// coarse is how many columns of the key decide the server's order exactly, if one of them is a date, by which it sorts to the millisecond; else 0.
	coarse int
}

// plan takes the columns in the order in which the sink described them, and fields that came later behind them.
func plan(index string, m mapping) (p rowPlan, err error) {
	if m.Meta == nil || m.Meta.Millrace == nil || len(m.Meta.Millrace.Key) == 0 {
		return p, fmt.Errorf(`the index %s does not tell its key, by which rows are compared: put {"millrace":{"key":["COLUMN",...]}} into the _meta of its mapping`, index)
	}
	names := slices.Clone(m.Meta.Millrace.Columns)
	for _, name := range slices.Sorted(maps.Keys(m.Properties)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		f, ok := m.Properties[name]
		if !ok || !readable[f.Type] {
			continue
		}
		p.columns = append(p.columns, version.Column{Name: name, Key: slices.Index(m.Meta.Millrace.Key, name) + 1})
		p.types = append(p.types, f.Type)
	}
	p.keys = version.Rows{Columns: p.columns}.Keys()
	if len(p.keys) != len(m.Meta.Millrace.Key) {
		return p, fmt.Errorf("%w: the index %s has no field for each column of its key (%s)", ErrSchema, index, joined(m.Meta.Millrace.Key))
	}
	for i, k := range p.keys {
		if p.types[k] == "date" {
			p.coarse = i + 1
			break
		}
	}
	return p, nil
}

// readable are the types of fields that columns may have. What else is in an index is not the sink's.
var readable = func() map[string]bool {
	all := map[string]bool{}
	for _, t := range fieldTypes {
		for _, name := range append(t.accept, t.more...) {
			all[name] = true
		}
	}
	return all
}()

// search asks for the first page, sorted by the key.
func (p rowPlan) search() []byte {
	var fields, sort []string
	for _, c := range p.columns {
		fields = append(fields, c.Name)
	}
	for _, k := range p.keys {
		sort = append(sort, p.columns[k].Name)
	}
	body, err := json.Marshal(map[string]any{"size": pageRows, "_source": fields, "sort": sort})
	if err != nil {
		panic(err) // of strings and a number
	}
	return body
}

func (p rowPlan) row(source map[string]json.RawMessage) ([]version.Value, error) {
	row := make([]version.Value, len(p.columns))
	for i, c := range p.columns {
		var err error
		if row[i], err = value(p.types[i], source[c.Name]); err != nil {
			return nil, fmt.Errorf("field %s: %w", c.Name, err)
		}
	}
	return row, nil
}

// value is what a field of the type holds in a document.
func value(typ string, raw json.RawMessage) (version.Value, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return version.Value{}, nil
	}
	switch typ {
	case "long":
		var v int64
		err := json.Unmarshal(raw, &v)
		return version.Int(v), err
	case "double":
		var v float64
		err := json.Unmarshal(raw, &v)
		return version.Float(v), err
	case "boolean":
		var v bool
		err := json.Unmarshal(raw, &v)
		return version.Bool(v), err
	}
	var v string
	if err := json.Unmarshal(raw, &v); err != nil {
		return version.Value{}, errors.Join(err, errors.New("expected text"))
	}
	return version.Text(v), nil
}

// ordering passes rows on in the order of their keys, where the server's is coarser: rows that it takes for equal are kept back and sorted.
type ordering struct {
	plan  rowPlan
	yield func([]version.Value, error) bool
	kept  [][]version.Value
}

func (p rowPlan) order(yield func([]version.Value, error) bool) *ordering {
	return &ordering{plan: p, yield: yield}
}

// take reports whether more is wanted.
func (o *ordering) take(row []version.Value) bool {
	if o.plan.coarse == 0 {
		return o.yield(row, nil)
	}
	if len(o.kept) > 0 && !o.plan.alike(o.kept[0], row) && !o.end() {
		return false
	}
	o.kept = append(o.kept, row)
	return true
}

// end passes on what is kept back.
func (o *ordering) end() bool {
	slices.SortFunc(o.kept, func(a, b []version.Value) int { return version.CompareKeys(a, b, o.plan.keys) })
	for _, row := range o.kept {
		if !o.yield(row, nil) {
			return false
		}
	}
	o.kept = o.kept[:0]
	return true
}

// alike reports whether the columns of the key up to the first date are the same to the server.
func (p rowPlan) alike(a, b []version.Value) bool {
	for i, k := range p.keys[:p.coarse] {
		x, y := a[k], b[k]
		if i == p.coarse-1 {
			x, y = version.Text(millisecond(x.String())), version.Text(millisecond(y.String()))
		}
		if x.Compare(y) != 0 {
			return false
		}
	}
	return true
}

// millisecond cuts an instant as the sink writes it, 2006-01-02T15:04:05.000000Z, to what the server sorts by.
func millisecond(instant string) string {
	whole, fraction, _ := strings.Cut(strings.TrimSuffix(instant, "Z"), ".")
	return whole + "." + fraction[:min(3, len(fraction))]
}
