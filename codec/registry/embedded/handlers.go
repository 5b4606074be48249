package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/codec/compat"
)

// problem is an answer that is an error, with Confluent's code.
type problem struct {
	status, code int
	text         string
}

func (p *problem) Error() string { return p.text }

func refuse(e *sr.Error, format string, args ...any) error {
	status := e.Code
	for status > 999 {
		status /= 100
	}
	return &problem{status, e.Code, fmt.Sprintf(format, args...)}
}

// handler works on the contents and returns what to answer.
type handler func(c *contents, r *http.Request) (answer any, err error)

// routes is the HTTP interface.
func routes(s *store) *http.ServeMux {
	mux := http.NewServeMux()
	reads := map[string]handler{
		"GET /{$}":                                                  func(*contents, *http.Request) (any, error) { return struct{}{}, nil },
		"GET /mode":                                                 func(*contents, *http.Request) (any, error) { return map[string]string{"mode": "READWRITE"}, nil },
		"GET /schemas/types":                                        func(*contents, *http.Request) (any, error) { return []sr.SchemaType{sr.TypeProtobuf}, nil },
		"GET /schemas/ids/{id}":                                     schemaByID,
		"GET /schemas/ids/{id}/schema":                              textByID,
		"GET /schemas/ids/{id}/versions":                            versionsByID,
		"GET /subjects":                                             subjects,
		"POST /subjects/{subject}":                                  lookup,
		"GET /subjects/{subject}/versions":                          versions,
		"GET /config":                                               func(c *contents, _ *http.Request) (any, error) { return level(c.Level), nil },
		"GET /config/{subject}":                                     subjectConfig,
		"GET /subjects/{subject}/versions/{version}":                schemaByVersion,
		"GET /subjects/{subject}/versions/{version}/schema":         textByVersion,
		"POST /compatibility/subjects/{subject}/versions":           compatibility,
		"POST /compatibility/subjects/{subject}/versions/{version}": compatibility,
	}
	for pattern, h := range reads {
		mux.Handle(pattern, answering(s.read, h))
	}
	changes := map[string]handler{
		"POST /subjects/{subject}/versions": register,
		"PUT /config":                       setConfig,
		"PUT /config/{subject}":             setConfig,
		"DELETE /config/{subject}":          resetConfig,
	}
	for pattern, h := range changes {
		mux.Handle(pattern, answering(s.change, h))
	}
	return mux
}

// answering runs a handler in a transaction of the store and writes what came of it.
func answering(transaction func(func(*contents) error) error, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer any
		err := transaction(func(c *contents) (err error) {
			answer, err = h(c, r)
			return err
		})
		status := http.StatusOK
		if err != nil {
			p := &problem{http.StatusInternalServerError, 50001, err.Error()}
			errors.As(err, &p)
			status, answer = p.status, map[string]any{"error_code": p.code, "message": p.text}
		}
		w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer) // to a client that may be gone
	})
}

func entryByID(c *contents, r *http.Request) (*entry, error) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if e := c.byID(id); err == nil && e != nil {
		return e, nil
	}
	return nil, refuse(sr.ErrSchemaNotFound, "Schema %s not found", r.PathValue("id"))
}

func entryByVersion(c *contents, r *http.Request) (*entry, error) {
	subject, text := r.PathValue("subject"), r.PathValue("version")
	all := c.versions(subject)
	if len(all) == 0 {
		return nil, refuse(sr.ErrSubjectNotFound, "Subject '%s' not found.", subject)
	}
	if text == "latest" || text == "-1" {
		return all[len(all)-1], nil
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 {
		return nil, refuse(sr.ErrInvalidVersion, "The specified version '%s' is not a valid version id: use a number from 1, or latest.", text)
	}
	if e := c.version(subject, number); e != nil {
		return e, nil
	}
	return nil, refuse(sr.ErrVersionNotFound, "Version %d not found.", number)
}

func (e *entry) schema() sr.Schema {
	return sr.Schema{Schema: e.Text, Type: sr.TypeProtobuf, References: e.References}
}

func (e *entry) answer() sr.SubjectSchema {
	return sr.SubjectSchema{Subject: e.Subject, Version: e.Version, ID: e.ID, Schema: e.schema()}
}

func schemaByID(c *contents, r *http.Request) (any, error) {
	e, err := entryByID(c, r)
	if err != nil {
		return nil, err
	}
	return e.schema(), nil
}

func textByID(c *contents, r *http.Request) (any, error) {
	e, err := entryByID(c, r)
	if err != nil {
		return nil, err
	}
	return e.Text, nil
}

func versionsByID(c *contents, r *http.Request) (any, error) {
	e, err := entryByID(c, r)
	if err != nil {
		return nil, err
	}
	all := []sr.SubjectVersion{}
	for _, o := range c.Schemas {
		if o.ID == e.ID {
			all = append(all, sr.SubjectVersion{Subject: o.Subject, Version: o.Version})
		}
	}
	return all, nil
}

func subjects(c *contents, _ *http.Request) (any, error) {
	names := []string{}
	for _, e := range c.Schemas {
		names = append(names, e.Subject)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func versions(c *contents, r *http.Request) (any, error) {
	var numbers []int
	for _, e := range c.versions(r.PathValue("subject")) {
		numbers = append(numbers, e.Version)
	}
	if numbers == nil {
		return nil, refuse(sr.ErrSubjectNotFound, "Subject '%s' not found.", r.PathValue("subject"))
	}
	return numbers, nil
}

func schemaByVersion(c *contents, r *http.Request) (any, error) {
	e, err := entryByVersion(c, r)
	if err != nil {
		return nil, err
	}
	return e.answer(), nil
}

func textByVersion(c *contents, r *http.Request) (any, error) {
	e, err := entryByVersion(c, r)
	if err != nil {
		return nil, err
	}
	return e.Text, nil
}

// body reads and compiles the schema of a request.
func body(c *contents, r *http.Request) (s sr.Schema, f protoreflect.FileDescriptor, err error) {
	if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
		return s, nil, refuse(sr.ErrInvalidSchema, "The request is not a schema: %v", err)
	}
	if s.Type != sr.TypeProtobuf {
		return s, nil, refuse(sr.ErrInvalidSchema, "This registry takes schemas of type PROTOBUF, not %s", s.Type)
	}
	if f, err = c.compile(r.Context(), r.PathValue("subject")+".proto", s.Schema, s.References); err != nil {
		return s, nil, refuse(sr.ErrInvalidSchema, "Invalid schema: %v", err)
	}
	return s, f, nil
}

func lookup(c *contents, r *http.Request) (any, error) {
	_, f, err := body(c, r)
	if err != nil {
		return nil, err
	}
	subject := r.PathValue("subject")
	if len(c.versions(subject)) == 0 {
		return nil, refuse(sr.ErrSubjectNotFound, "Subject '%s' not found.", subject)
	}
	e, err := c.find(r.Context(), subject, f)
	if err == nil && e == nil {
		err = refuse(sr.ErrSchemaNotFound, "Schema not found")
	}
	if err != nil {
		return nil, err
	}
	return e.answer(), nil
}

func register(c *contents, r *http.Request) (any, error) {
	s, f, err := body(c, r)
	if err != nil {
		return nil, err
	}
	subject := r.PathValue("subject")
	e, err := c.find(r.Context(), subject, f)
	if err != nil {
		return nil, err
	}
	if e == nil {
		found, err := c.against(r.Context(), subject, f, nil)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			return nil, refuse(sr.ErrIncompatibleSchema, "Schema being registered is incompatible with an earlier schema for subject %q (compatibility %s): %s", subject, c.level(subject), compat.Lines(found))
		}
		e = c.add(subject, s.Schema, s.References)
	}
	return map[string]int{"id": e.ID}, nil
}

func compatibility(c *contents, r *http.Request) (any, error) {
	_, f, err := body(c, r)
	if err != nil {
		return nil, err
	}
	var only *entry
	if r.PathValue("version") != "" {
		if only, err = entryByVersion(c, r); err != nil {
			return nil, err
		}
	}
	found, err := c.against(r.Context(), r.PathValue("subject"), f, only)
	if err != nil {
		return nil, err
	}
	result := sr.CheckCompatibilityResult{Is: len(found) == 0, Messages: []string{}}
	for _, f := range found {
		result.Messages = append(result.Messages, f.String())
	}
	return result, nil
}

func level(l sr.CompatibilityLevel) any { return map[string]any{"compatibilityLevel": l} }

func subjectConfig(c *contents, r *http.Request) (any, error) {
	subject := r.PathValue("subject")
	if _, ok := c.Levels[subject]; !ok && r.FormValue("defaultToGlobal") != "true" {
		return nil, refuse(sr.ErrSubjectLevelCompatibilityNotConfigured, "Subject '%s' does not have subject-level compatibility configured", subject)
	}
	return level(c.level(subject)), nil
}

func setConfig(c *contents, r *http.Request) (any, error) {
	var set sr.SetCompatibility
	if err := json.NewDecoder(r.Body).Decode(&set); err != nil || set.Level == 0 {
		return nil, refuse(sr.ErrInvalidCompatibilityLevel, "Invalid compatibility level: use NONE, BACKWARD, FORWARD or FULL, or one of the last three with _TRANSITIVE")
	}
	if subject := r.PathValue("subject"); subject == "" {
		c.Level = set.Level
	} else {
		if c.Levels == nil {
			c.Levels = map[string]sr.CompatibilityLevel{}
		}
		c.Levels[subject] = set.Level
	}
	return set, nil
}

func resetConfig(c *contents, r *http.Request) (any, error) {
	subject := r.PathValue("subject")
	set := sr.SetCompatibility{Level: c.level(subject)}
	delete(c.Levels, subject)
	return set, nil
}
