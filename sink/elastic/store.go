package elastic

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/millrace/millrace/sink/version"
)

const (
	defaultCatalog = "millrace-versions"
	catalogID      = "versions"
	catalogFormat  = "millrace-versions/1"
)

// CatalogIndex is the index that Versions keeps its document in; millrace-versions by default.
func CatalogIndex(name string) Option { return func(c *config) { c.catalog = name } }

// document is the one that holds what is known of all versions.
type document struct {
	client *client
	index  string
}

// contents are the document at one moment.
type contents struct {
	Format  string                       `json:"format"`
	Results map[string][]version.Version `json:"results"`

	at place
}

// place is where in the index's history the contents stand. The zero value is that there is no document.
type place struct {
	known       bool
	seqNo, term int64
}

// load reads the document as the last change left it; a missing one has no results.
func (d document) load(ctx context.Context) (contents, error) {
	all := contents{Format: catalogFormat, Results: map[string][]version.Version{}}
	var answer struct {
		SeqNo  int64    `json:"_seq_no"`
		Term   int64    `json:"_primary_term"`
		Source contents `json:"_source"`
	}
	err := d.client.do(ctx, request{method: http.MethodGet, path: d.path()}, &answer)
	if isStatus(err, http.StatusNotFound) {
		return all, nil
	}
	if err != nil {
		return all, err
	}
	if f := answer.Source.Format; f != catalogFormat {
		return all, fmt.Errorf("the document %s has the format %q, known is %q: give the versions another index", d.path(), f, catalogFormat)
	}
	if answer.Source.Results != nil {
		all = answer.Source
	}
	all.at = place{true, answer.SeqNo, answer.Term}
	return all, nil
}

// save replaces the document that was loaded. If another has been saved since, the error has the status 409.
func (d document) save(ctx context.Context, all contents) error {
	query := url.Values{}
	if all.at.known {
		query.Set("if_seq_no", strconv.FormatInt(all.at.seqNo, 10))
		query.Set("if_primary_term", strconv.FormatInt(all.at.term, 10))
	} else {
		query.Set("op_type", "create")
		// Nobody searches in it, so nothing is indexed.
		err := d.client.do(ctx, request{method: http.MethodPut, path: "/" + d.index, body: []byte(`{"mappings":{"dynamic":false}}`)}, nil)
		if err != nil && !isKind(err, "resource_already_exists_exception") {
			return fmt.Errorf("creating the index of versions: %w", err)
		}
	}
	body, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return d.client.do(ctx, request{method: http.MethodPut, path: d.path(), query: query, body: body}, nil)
}

func (d document) path() string { return "/" + d.index + "/_doc/" + catalogID }

// others are the places of other results.
func (all contents) others(result string) (taken []string) {
	for name, versions := range all.Results {
		if name == result {
			continue
		}
		for _, v := range versions {
			taken = append(taken, places(v)...)
		}
	}
	return taken
}
