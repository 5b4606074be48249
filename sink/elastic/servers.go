package elastic

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
)

// Where credentials are looked for that neither an option nor a URL gives.
const (
	envUser     = "ELASTICSEARCH_USERNAME"
	envPassword = "ELASTICSEARCH_PASSWORD"
	envAPIKey   = "ELASTICSEARCH_API_KEY"
)

// servers is where requests go and with what authority.
type servers struct {
	urls          []string // without user information and without a slash at the end
	authorization string   // a header's value, or empty; never print it
}

// parseServers reads the URLs of a cluster's nodes. No error quotes a URL that may hold a password.
func parseServers(urls []string, c config) (servers, error) {
	var s servers
	var problems []error
	var login *url.Userinfo
	for i, text := range urls {
		u, err := url.Parse(text)
		switch {
		case err != nil || u.Opaque != "" || u.Host == "":
			problems = append(problems, fmt.Errorf("server %d is not a URL; expected http://user:password@host:9200, with special characters in user and password as %%XX", i+1))
			continue
		case u.Scheme != "http" && u.Scheme != "https":
			problems = append(problems, fmt.Errorf("server %d: the scheme is %q; use http or https", i+1, u.Scheme))
			continue
		case u.RawQuery != "" || u.Fragment != "":
			problems = append(problems, fmt.Errorf("server %d (%s): a URL of a server has no parameters", i+1, u.Host))
			continue
		}
		if u.User != nil {
			if login != nil && login.String() != u.User.String() {
				problems = append(problems, fmt.Errorf("server %d (%s): another user or password than in a URL before it; the nodes of a cluster know the same users", i+1, u.Host))
			}
			login = u.User
		}
		u.User = nil
		s.urls = append(s.urls, strings.TrimRight(u.String(), "/"))
	}
	if len(urls) == 0 {
		problems = append(problems, errors.New("no servers: give at least one URL such as http://localhost:9200"))
	}
	s.authorization = authorize(c, login)
	return s, errors.Join(problems...)
}

func authorize(c config, login *url.Userinfo) string {
	switch {
	case c.apiKey != "":
		return "ApiKey " + c.apiKey
	case c.basic:
		return basic(c.user, c.password)
	case login != nil:
		password, given := login.Password()
		if !given {
			password = os.Getenv(envPassword)
		}
		return basic(login.Username(), password)
	case os.Getenv(envAPIKey) != "":
		return "ApiKey " + os.Getenv(envAPIKey)
	case os.Getenv(envUser) != "":
		return basic(os.Getenv(envUser), os.Getenv(envPassword))
	}
	return ""
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// trust is the TLS configuration for a file of certificates; nil without one.
func trust(file string) (*tls.Config, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("CA: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("CA: %s has no certificate in PEM form", file)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// maxIndexName is the longest name of an index in bytes.
const maxIndexName = 255

// CheckIndex says whether a name is fit for an index or alias: lower-case letters, digits, and - _ . inside, at most 255 bytes. The servers allow a little more, which
// would need escaping in URLs.
func CheckIndex(name string) error {
	if len(name) == 0 || len(name) > maxIndexName {
		return fmt.Errorf("the index name %.70q must have 1 to %d bytes", name, maxIndexName)
	}
	for i, r := range name {
		plain := 'a' <= r && r <= 'z' || '0' <= r && r <= '9'
		if !plain && (i == 0 || r != '-' && r != '_' && r != '.') {
			return fmt.Errorf("the index name %q must consist of lower-case letters (a-z), digits, and - _ . but not at the beginning", name)
		}
	}
	return nil
}
