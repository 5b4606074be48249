package embedded

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/codec/compat"
	"github.com/millrace/millrace/codec/compat/protofile"
	"github.com/millrace/millrace/codec/registry"
	"github.com/millrace/millrace/internal/disk"
)

// contents is all that a registry knows: what the file holds.
type contents struct {
	Schemas []entry                          `json:"schemas"` // in the order of their registration
	Level   sr.CompatibilityLevel            `json:"compatibility"`
	Levels  map[string]sr.CompatibilityLevel `json:"compatibilityOfSubjects,omitempty"`
}

// entry is a version of a subject.
type entry struct {
	Subject    string               `json:"subject"`
	Version    int                  `json:"version"`
	ID         int                  `json:"id"`
	Text       string               `json:"schema"`
	References []sr.SchemaReference `json:"references,omitempty"`
}

// store keeps contents, in memory or in a file.
type store struct {
	dir string // empty for memory

	mu   sync.Mutex
	kept []byte // contents as JSON, in memory
}

func openStore(dir string) (*store, error) {
	if dir == "" {
		return &store{}, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("embedded schema registry: %w", err)
	}
	s := &store{dir: dir}
	return s, s.read(func(*contents) error { return nil }) // to learn now that the file is none of ours
}

func (s *store) file() string { return filepath.Join(s.dir, "schemas.json") }

// read lets f look at the contents.
func (s *store) read(f func(*contents) error) error {
	return s.with(func(c *contents) (bool, error) { return false, f(c) })
}

// change lets f change the contents, and keeps them unless f fails.
func (s *store) change(f func(*contents) error) error {
	return s.with(func(c *contents) (bool, error) { return true, f(c) })
}

func (s *store) with(f func(*contents) (changed bool, err error)) (err error) {
	if s.dir == "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.kept, err = transact(s.kept, f)
		return err
	}
	lock, err := disk.Lock(context.Background(), filepath.Join(s.dir, "lock"))
	if err != nil {
		return fmt.Errorf("embedded schema registry: %w", err)
	}
	defer lock.Close()
	old, err := os.ReadFile(s.file())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("embedded schema registry: %w", err)
	}
	text, err := transact(old, f)
	if err != nil {
		return fmt.Errorf("embedded schema registry: %s: %w", s.file(), err)
	}
	if bytes.Equal(text, old) {
		return nil
	}
	if err := disk.Replace(s.file(), text); err != nil {
		return fmt.Errorf("embedded schema registry: %w", err)
	}
	return nil
}

// transact runs f on contents as JSON, and returns them as they are after it.
func transact(text []byte, f func(*contents) (changed bool, err error)) ([]byte, error) {
	c := contents{Level: sr.CompatBackward}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &c); err != nil {
			return text, err
		}
	}
	if changed, err := f(&c); err != nil || !changed {
		return text, err
	}
	return json.MarshalIndent(&c, "", "  ")
}

// versions are a subject's, from the first.
func (c *contents) versions(subject string) (all []*entry) {
	for i := range c.Schemas {
		if c.Schemas[i].Subject == subject {
			all = append(all, &c.Schemas[i])
		}
	}
	return all
}

func (c *contents) version(subject string, version int) *entry {
	for _, e := range c.versions(subject) {
		if e.Version == version {
			return e
		}
	}
	return nil
}

func (c *contents) byID(id int) *entry {
	for i := range c.Schemas {
		if c.Schemas[i].ID == id {
			return &c.Schemas[i]
		}
	}
	return nil
}

// level is what a subject's versions have to be.
func (c *contents) level(subject string) sr.CompatibilityLevel {
	if l, ok := c.Levels[subject]; ok {
		return l
	}
	return c.Level
}

// compile makes a descriptor of a schema, with what it refers to.
func (c *contents) compile(ctx context.Context, name, text string, references []sr.SchemaReference) (protoreflect.FileDescriptor, error) {
	imports := map[string]string{}
	var collect func([]sr.SchemaReference) error
	collect = func(references []sr.SchemaReference) error {
		for _, r := range references {
			if _, ok := imports[r.Name]; ok {
				continue
			}
			e := c.version(r.Subject, r.Version)
			if e == nil {
				return fmt.Errorf("it refers to subject %s version %d, which does not exist", r.Subject, r.Version)
			}
			imports[r.Name] = e.Text
			if err := collect(e.References); err != nil {
				return err
			}
		}
		return nil
	}
	if err := collect(references); err != nil {
		return nil, err
	}
	return protofile.Parse(ctx, name, text, imports)
}

// find is the version of a subject that says the same as a file.
func (c *contents) find(ctx context.Context, subject string, f protoreflect.FileDescriptor) (*entry, error) {
	want := registry.Text(f)
	for _, e := range c.versions(subject) {
		g, err := c.compile(ctx, e.name(), e.Text, e.References)
		if err != nil {
			return nil, err
		}
		if registry.Text(g) == want {
			return e, nil
		}
	}
	return nil, nil
}

func (e *entry) name() string { return fmt.Sprintf("%s version %d", e.Subject, e.Version) }

// add makes a new version. The id is that of the same text under another subject, or the next.
func (c *contents) add(subject, text string, references []sr.SchemaReference) *entry {
	e := entry{Subject: subject, Version: 1, ID: 1, Text: text, References: references}
	if all := c.versions(subject); len(all) > 0 {
		e.Version = all[len(all)-1].Version + 1
	}
	shared := false
	for _, o := range c.Schemas {
		switch {
		case !shared && o.Text == text && sameReferences(o.References, references):
			e.ID, shared = o.ID, true
		case !shared:
			e.ID = max(e.ID, o.ID+1)
		}
	}
	c.Schemas = append(c.Schemas, e)
	return &c.Schemas[len(c.Schemas)-1]
}

func sameReferences(a, b []sr.SchemaReference) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// against compares a file with versions of a subject by its level: one version, or where none is named the latest, or all where the level is transitive.
func (c *contents) against(ctx context.Context, subject string, f protoreflect.FileDescriptor, only *entry) ([]compat.Finding, error) {
	mode, transitive, none := rule(c.level(subject))
	olds := c.versions(subject)
	switch {
	case none:
		return nil, nil
	case only != nil:
		olds = []*entry{only}
	case !transitive && len(olds) > 1:
		olds = olds[len(olds)-1:]
	}
	var versions []compat.Version
	for _, e := range olds {
		g, err := c.compile(ctx, e.name(), e.Text, e.References)
		if err != nil {
			return nil, err
		}
		versions = append(versions, compat.Version{Name: e.name(), File: g})
	}
	return compat.Check{Mode: mode, Rules: compat.Wire}.All(versions, f), nil
}

func rule(l sr.CompatibilityLevel) (mode compat.Mode, transitive, none bool) {
	switch l {
	case sr.CompatBackward, sr.CompatBackwardTransitive:
		return compat.Backward, l == sr.CompatBackwardTransitive, false
	case sr.CompatForward, sr.CompatForwardTransitive:
		return compat.Forward, l == sr.CompatForwardTransitive, false
	case sr.CompatFull, sr.CompatFullTransitive:
		return compat.Full, l == sr.CompatFullTransitive, false
	}
	return 0, false, true
}
