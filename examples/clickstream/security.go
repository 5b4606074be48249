package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/millrace/millrace/source/kafka/cluster"
)

// passwordVariable is where the password is looked for that no file holds.
const passwordVariable = "KAFKA_SASL_PASSWORD"

// security is the flags of a cluster that wants encryption or a login.
type security struct {
	tls             bool
	ca, cert, key   string // files, PEM
	mechanism, user string
	passwordFile    string
}

func (s *security) flags(f *pflag.FlagSet) {
	f.BoolVar(&s.tls, "tls", false, "connect to --brokers with TLS")
	f.StringVar(&s.ca, "tls-ca", "", "file with the certificates (PEM) that the brokers' are signed by, in place of the system's; means --tls")
	f.StringVar(&s.cert, "tls-cert", "", "file with the certificate (PEM) to show to the brokers; means --tls")
	f.StringVar(&s.key, "tls-key", "", "file with the key (PEM) of --tls-cert")
	f.StringVar(&s.mechanism, "sasl", "", "how to log in to --brokers: plain, scram-sha-256 or scram-sha-512")
	f.StringVar(&s.user, "sasl-user", "", "user to log in as; the password is in --sasl-password-file or in the variable "+passwordVariable)
	f.StringVar(&s.passwordFile, "sasl-password-file", "", "file with the password, and nothing else")
}

// config is the connection as the flags say. Its errors do not hold the password.
func (s *security) config() (c cluster.Config, err error) {
	if c.TLS, err = s.tlsConfig(); err != nil {
		return c, err
	}
	c.SASL, err = s.sasl()
	return c, err
}

func (s *security) tlsConfig() (*tls.Config, error) {
	if !s.tls && s.ca == "" && s.cert == "" && s.key == "" {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.ca != "" {
		pem, err := os.ReadFile(s.ca)
		if err != nil {
			return nil, fmt.Errorf("--tls-ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--tls-ca %s holds no certificate in PEM form", s.ca)
		}
	}
	if (s.cert == "") != (s.key == "") {
		return nil, errors.New("--tls-cert and --tls-key belong together")
	}
	if s.cert != "" {
		pair, err := tls.LoadX509KeyPair(s.cert, s.key)
		if err != nil {
			return nil, fmt.Errorf("--tls-cert %s, --tls-key %s: %w", s.cert, s.key, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// mechanisms are the names of --sasl.
var mechanisms = map[string]cluster.Mechanism{"plain": cluster.Plain, "scram-sha-256": cluster.ScramSHA256, "scram-sha-512": cluster.ScramSHA512}

func (s *security) sasl() (cluster.SASL, error) {
	if s.mechanism == "" {
		if s.user != "" || s.passwordFile != "" {
			return cluster.SASL{}, errors.New("--sasl-user and --sasl-password-file say who logs in: --sasl says how, plain, scram-sha-256 or scram-sha-512")
		}
		return cluster.SASL{}, nil
	}
	login := cluster.SASL{Mechanism: mechanisms[strings.ToLower(s.mechanism)], User: s.user}
	if login.Mechanism == "" {
		return cluster.SASL{}, fmt.Errorf("--sasl %s: use plain, scram-sha-256 or scram-sha-512", s.mechanism)
	}
	if s.user == "" {
		return cluster.SASL{}, fmt.Errorf("--sasl %s: --sasl-user is missing", s.mechanism)
	}
	login.Password = os.Getenv(passwordVariable)
	if s.passwordFile != "" {
		text, err := os.ReadFile(s.passwordFile)
		if err != nil {
			return cluster.SASL{}, fmt.Errorf("--sasl-password-file: %w", err)
		}
		login.Password = strings.TrimRight(string(text), "\r\n")
	}
	if login.Password == "" {
		return cluster.SASL{}, fmt.Errorf("--sasl %s: the password is missing: it is in --sasl-password-file or in the variable %s", s.mechanism, passwordVariable)
	}
	return login, nil
}
