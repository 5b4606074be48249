package elastic

import (
	"errors"
	"fmt"
	"time"
)

const (
	defaultTimeout    = time.Minute
	defaultBatchRows  = 1000
	defaultBatchBytes = 5 << 20
)

// Option changes a default of Upsert or Versions.
type Option func(*config)

type config struct {
	timeout    time.Duration
	batchRows  int
	batchBytes int
	refresh    RefreshPolicy
	shards     int // 0: the server's default
	replicas   int // -1: the server's default
	user       string
	password   string
	basic      bool // user and password are set
	apiKey     string
	ca         string // file
	catalog    string // index of Versions
}

func configOf(opts []Option) config {
	c := config{timeout: defaultTimeout, batchRows: defaultBatchRows, batchBytes: defaultBatchBytes, replicas: -1, catalog: defaultCatalog}
	for _, opt := range opts {
		opt(&c)
	}
	return c
}

// Timeout bounds one request, from its connection to its answer; 1 minute by default. One that takes longer is retried by the engine.
func Timeout(d time.Duration) Option { return func(c *config) { c.timeout = d } }

// BatchRows is how many rows the engine should hand over at a time; 1000 by default.
func BatchRows(n int) Option { return func(c *config) { c.batchRows = n } }

// BatchBytes is how large a bulk request may grow, in bytes; 5 MiB by default. A batch of more is several requests, and a single row of more is one by itself.
// The servers take up to 100 MiB unless set otherwise.
func BatchBytes(n int) Option { return func(c *config) { c.batchBytes = n } }

// RefreshPolicy says when rows become searchable, beyond the index's own refresh_interval.
type RefreshPolicy uint8

const (
	RefreshAtEnd RefreshPolicy = iota // when a Writer closes
	RefreshWait                       // and Write waits for the next refresh of the index (refresh=wait_for)
	RefreshNow                        // and Write makes one (refresh=true), which costs the server much
	RefreshNever                      // not even when a Writer closes
)

// Refresh sets when rows become searchable; RefreshAtEnd by default.
func Refresh(p RefreshPolicy) Option { return func(c *config) { c.refresh = p } }

// Shards is how many primary shards an index has that is made; the server's default without it.
func Shards(n int) Option { return func(c *config) { c.shards = n } }

// Replicas is how many copies beside its primary each shard of an index has that is made; the server's default without it.
func Replicas(n int) Option { return func(c *config) { c.replicas = n } }

// BasicAuth is the user to log in as, with the password. It goes before what the URLs and the environment say.
func BasicAuth(user, password string) Option {
	return func(c *config) { c.user, c.password, c.basic = user, password, true }
}

// APIKey is the API key to log in with, in its encoded form. It goes before what the URLs and the environment say.
func APIKey(key string) Option { return func(c *config) { c.apiKey = key } }

// CA is a file of certificates (PEM) that sign the servers' own, in place of the system's.
func CA(file string) Option { return func(c *config) { c.ca = file } }

// GoString keeps %#v from printing credentials.
func (c config) GoString() string { return "elastic.config" }

func (c config) validate() error {
	var problems []error
	if c.timeout <= 0 {
		problems = append(problems, fmt.Errorf("Timeout is %v; it must be positive", c.timeout))
	}
	if c.batchRows <= 0 {
		problems = append(problems, fmt.Errorf("BatchRows is %d; it must be positive", c.batchRows))
	}
	if c.batchBytes <= 0 {
		problems = append(problems, fmt.Errorf("BatchBytes is %d; it must be positive", c.batchBytes))
	}
	if c.refresh > RefreshNever {
		problems = append(problems, fmt.Errorf("Refresh is %d; use one of the RefreshPolicy constants", c.refresh))
	}
	if c.shards < 0 {
		problems = append(problems, fmt.Errorf("Shards is %d; it must be positive", c.shards))
	}
	if c.replicas < -1 {
		problems = append(problems, fmt.Errorf("Replicas is %d; it must not be negative", c.replicas))
	}
	if c.basic && c.apiKey != "" {
		problems = append(problems, errors.New("both BasicAuth and APIKey are set: use one"))
	}
	if err := CheckIndex(c.catalog); err != nil {
		problems = append(problems, fmt.Errorf("CatalogIndex: %w", err))
	}
	return errors.Join(problems...)
}
