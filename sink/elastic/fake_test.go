package elastic_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// fake is as much of a search server as the sink talks to. Documents become visible by a refresh.
type fake struct {
	*httptest.Server

	mu      sync.Mutex
	indexes map[string]*fakeIndex
	made    int
	calls   []string
	bulks   []int // sizes of bulk requests in bytes
	// hook answers in the server's place if it returns true.
	hook func(w http.ResponseWriter, r *http.Request, body []byte) bool
}

type fakeIndex struct {
	uuid     string
	mappings json.RawMessage
	docs     map[string]json.RawMessage
	visible  map[string]json.RawMessage
}

func newFake(t *testing.T) *fake {
	f := &fake{indexes: map[string]*fakeIndex{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	f.mu.Lock()
	f.calls = append(f.calls, r.Method+" "+r.URL.Path)
	hook := f.hook
	f.mu.Unlock()
	if hook != nil && hook(w, r, body) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	name, action, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	index := f.indexes[name]
	switch {
	case name == "_tasks":
		answer(w, 200, map[string]any{"nodes": map[string]any{}})
	case r.Method == http.MethodPut && action == "":
		f.create(w, name, body)
	case index == nil && action != "_bulk":
		refuse(w, 404, "index_not_found_exception", "no such index ["+name+"]")
	case action == "" || action == "_settings":
		answer(w, 200, map[string]any{name: map[string]any{"mappings": index.mappings, "settings": map[string]any{"index": map[string]any{"uuid": index.uuid}}}})
	case action == "_refresh":
		index.visible = maps.Clone(index.docs)
		answer(w, 200, map[string]any{})
	case action == "_bulk":
		f.bulk(w, r, name, body)
	default:
		refuse(w, 400, "unknown", r.URL.Path)
	}
}

func (f *fake) create(w http.ResponseWriter, name string, body []byte) {
	if f.indexes[name] != nil {
		refuse(w, 400, "resource_already_exists_exception", "index ["+name+"] already exists")
		return
	}
	var d struct {
		Mappings json.RawMessage `json:"mappings"`
	}
	if err := json.Unmarshal(body, &d); err != nil {
		refuse(w, 400, "parse_exception", err.Error())
		return
	}
	f.add(name, d.Mappings)
	answer(w, 200, map[string]any{"acknowledged": true})
}

func (f *fake) add(name string, mappings json.RawMessage) {
	f.made++
	f.indexes[name] = &fakeIndex{uuid: fmt.Sprint("uuid-", f.made), mappings: mappings, docs: map[string]json.RawMessage{}}
}

func (f *fake) bulk(w http.ResponseWriter, r *http.Request, name string, body []byte) {
	f.bulks = append(f.bulks, len(body))
	if f.indexes[name] == nil {
		f.add(name, json.RawMessage(`{}`)) // as the servers do
	}
	index := f.indexes[name]
	lines := bufio.NewScanner(bytes.NewReader(body))
	lines.Buffer(nil, len(body)+1)
	var items []any
	for lines.Scan() {
		var action map[string]struct {
			ID string `json:"_id"`
		}
		if err := json.Unmarshal(lines.Bytes(), &action); err != nil {
			refuse(w, 400, "parse_exception", err.Error())
			return
		}
		for op, at := range action {
			if op == "delete" {
				delete(index.docs, at.ID)
			} else {
				lines.Scan()
				index.docs[at.ID] = bytes.Clone(lines.Bytes())
			}
			items = append(items, map[string]any{op: map[string]any{"status": 200}})
		}
	}
	if r.URL.Query().Get("refresh") != "" {
		index.visible = maps.Clone(index.docs)
	}
	answer(w, 200, map[string]any{"errors": false, "items": items})
}

// rows are the documents that a search would find, by their ids.
func (f *fake) rows(name string) map[string]json.RawMessage {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.indexes[name] == nil {
		return nil
	}
	return f.indexes[name].visible
}

func (f *fake) called(call string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(f.calls), func(c string) bool { return c != call }))
}

// on sets the hook.
func (f *fake) on(hook func(w http.ResponseWriter, r *http.Request, body []byte) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hook = hook
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, status int, kind, text string) {
	answer(w, status, map[string]any{"status": status, "error": map[string]any{"type": kind, "reason": text}})
}
