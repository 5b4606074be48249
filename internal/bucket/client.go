package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// tries is how often the client repeats a request by itself; the engine repeats what fails after that.
const tries = 3

// Client talks to a server of buckets.
type Client struct {
	*minio.Core
	transport *http.Transport
}

// Close closes connections that are not in use.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Connect makes a client of the location and looks whether the bucket is there.
func Connect(ctx context.Context, l Location, a Access) (*Client, error) {
	host, secure := "s3.amazonaws.com", true
	if l.Endpoint != "" {
		u, err := url.Parse(l.Endpoint)
		if err != nil {
			return nil, err
		}
		host, secure = u.Host, u.Scheme == "https"
	}
	creds, err := a.credentials(l)
	if err != nil {
		return nil, err
	}
	transport, err := minio.DefaultTransport(secure)
	if err != nil {
		return nil, err
	}
	options := &minio.Options{Creds: creds, Secure: secure, Region: l.Region, MaxRetries: tries, Transport: transport}
	if l.PathStyle {
		options.BucketLookup = minio.BucketLookupPath
	}
	core, err := minio.NewCore(host, options)
	if err != nil {
		return nil, err
	}
	client := &Client{core, transport}
	there, err := client.BucketExists(ctx, l.Bucket)
	if err != nil {
		client.Close()
		return nil, Classify(err)
	}
	if !there {
		client.Close()
		return nil, fmt.Errorf("bucket %s does not exist: make it, or choose another", l.Bucket)
	}
	return client, nil
}

// Access is where credentials come from.
type Access struct {
	ID, Secret, Token string // given; else
	File, Profile     string // a shared credentials file, empty for the usual one
}

// String keeps the secret out of whatever prints it.
func (a Access) String() string { return "credentials" }

func (a Access) credentials(l Location) (*credentials.Credentials, error) {
	if a.ID != "" || a.Secret != "" {
		return credentials.NewStaticV4(a.ID, a.Secret, a.Token), nil
	}
	var providers []credentials.Provider
	if a.File == "" && a.Profile == "" {
		providers = append(providers, &credentials.EnvAWS{})
	}
	providers = append(providers, &credentials.FileAWSCredentials{Filename: a.File, Profile: a.Profile})
	if l.Endpoint == "" {
		providers = append(providers, &credentials.IAM{})
	}
	c := credentials.NewChainCredentials(providers)
	v, err := c.GetWithContext(nil)
	if err != nil {
		return nil, err
	}
	if v.AccessKeyID == "" || v.SecretAccessKey == "" {
		return nil, errors.New("no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or have a shared credentials file")
	}
	return c, nil
}
