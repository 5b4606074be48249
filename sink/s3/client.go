package s3

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// tries is how often the client repeats a request by itself; the engine repeats what fails after that.
const tries = 3

// connect makes a client of the location and looks whether the bucket is there.
func connect(ctx context.Context, l Location, a access) (*minio.Core, error) {
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
	options := &minio.Options{Creds: creds, Secure: secure, Region: l.Region, MaxRetries: tries}
	if l.PathStyle {
		options.BucketLookup = minio.BucketLookupPath
	}
	client, err := minio.NewCore(host, options)
	if err != nil {
		return nil, err
	}
	there, err := client.BucketExists(ctx, l.Bucket)
	if err != nil {
		return nil, classify(err)
	}
	if !there {
		return nil, fmt.Errorf("bucket %s does not exist: make it, or choose another", l.Bucket)
	}
	return client, nil
}

// access is where credentials come from.
type access struct {
	id, secret, token string // given; else
	file, profile     string // a shared credentials file, empty for the usual one
}

// String keeps the secret out of whatever prints it.
func (a access) String() string { return "credentials" }

func (a access) credentials(l Location) (*credentials.Credentials, error) {
	if a.id != "" || a.secret != "" {
		return credentials.NewStaticV4(a.id, a.secret, a.token), nil
	}
	var providers []credentials.Provider
	if a.file == "" && a.profile == "" {
		providers = append(providers, &credentials.EnvAWS{})
	}
	providers = append(providers, &credentials.FileAWSCredentials{Filename: a.file, Profile: a.profile})
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
