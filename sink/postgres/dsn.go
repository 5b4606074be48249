package postgres

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// parseDSN reads a connection string. The driver's errors may quote it, so its password is taken out of them, or the whole error where the password cannot be told.
func parseDSN(dsn string) (*pgconn.Config, error) {
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("the connection string is not valid; expected postgres://user:password@host:port/database or key=value pairs: %s", without(dsn, err))
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "millrace"
	}
	// Arrays are sent as UTF-8.
	config.RuntimeParams["client_encoding"] = "UTF8"
	return config, nil
}

// without is what can be told of err without telling the password in dsn.
func without(dsn string, err error) string {
	const hidden = "(no more is shown, as it may contain the password)"
	u, urlErr := url.Parse(dsn)
	if urlErr != nil || u.Scheme == "" {
		if urlErr == nil && !strings.Contains(strings.ToLower(dsn), "pass") {
			return cause(err)
		}
		return hidden
	}
	text := cause(err)
	if u.Query().Has("password") {
		return hidden
	}
	if password, ok := u.User.Password(); ok && password != "" {
		for _, form := range []string{password, url.QueryEscape(password), url.PathEscape(password), strings.TrimPrefix(url.UserPassword("", password).String(), ":")} {
			text = strings.ReplaceAll(text, form, "xxxxx")
		}
	}
	return text
}

// cause leaves out the connection string that the driver puts before the reason.
func cause(err error) string {
	if inner := errors.Unwrap(err); inner != nil {
		return inner.Error()
	}
	return err.Error()
}
