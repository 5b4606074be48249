package target

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/millrace/millrace/sink/elastic"
	"github.com/millrace/millrace/sink/version"
)

var elasticKind = kind{
	name: "elastic", form: "elastic:http://HOST?index=T",
	help:   "Elasticsearch or OpenSearch, several nodes behind commas, &ca=FILE for certificates; readers use the alias T; the password may come from ELASTICSEARCH_PASSWORD, an API key from ELASTICSEARCH_API_KEY",
	tables: true,
	parse: func(_, rest string) (path, name string, err error) {
		nodes, query, _ := strings.Cut(rest, "?")
		values, err := url.ParseQuery(query)
		if err != nil {
			return "", "", err
		}
		for param := range values {
			if param != "index" && param != "ca" {
				return "", "", fmt.Errorf("parameter %s is not known: only index and ca are", param)
			}
		}
		name = values.Get("index")
		values.Del("index")
		if len(values) > 0 {
			nodes += "?" + values.Encode()
		}
		return nodes, name, nil
	},
	checkTable: elastic.CheckIndex,
	catalog: func(t Target) (version.Catalog, error) {
		urls, opts := elasticServers(t.Path)
		return elastic.Versions(urls, t.Result, opts...)
	},
}

// elasticServers takes a path apart that parse has put together.
func elasticServers(path string) (urls []string, opts []elastic.Option) {
	nodes, query, _ := strings.Cut(path, "?")
	if values, err := url.ParseQuery(query); err == nil && values.Get("ca") != "" {
		opts = append(opts, elastic.CA(values.Get("ca")))
	}
	return strings.Split(nodes, ","), opts
}
