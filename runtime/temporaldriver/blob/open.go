package blob

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Open is the store at a location:
//
//	/var/lib/graphrun/blobs                 a folder, created if it is missing
//	file:///var/lib/graphrun/blobs          the same
//	s3://BUCKET/PREFIX                      Amazon S3; the prefix may be missing
//	s3://BUCKET/PREFIX?endpoint=…&region=…  another service
//
// The parameters of s3 are endpoint, region and insecure (true or false), see S3Config.
// Credentials are never a part of it, because locations end up in logs and process lists;
// they come from the environment. An error says what is wrong with the location. Open sends
// no request, so whether a bucket is there and may be used shows with the first Put.
func Open(location string) (Store, error) {
	scheme, _, ok := strings.Cut(location, "://")
	if !ok {
		if location == "" {
			return nil, errors.New("the location of the blobs is empty: give a folder or s3://BUCKET/PREFIX")
		}
		return opened(Folder(location))
	}
	u, err := url.Parse(location)
	if err != nil {
		// What url.Parse says contains the location.
		return nil, fmt.Errorf("the location of the blobs is not a URL, though it begins with %q: escape what is special, as in %%20", scheme+"://")
	}
	if u.User != nil {
		return nil, fmt.Errorf("the location of the blobs, %s://%s, has a user in it: %s", u.Scheme, u.Host, whereSecretsAre)
	}
	if u.Fragment != "" {
		return nil, fmt.Errorf("the location of the blobs, %s://%s, has a # in it: write %%23", u.Scheme, u.Host)
	}
	switch u.Scheme {
	case "file":
		if u.Host != "" {
			return nil, fmt.Errorf("the location file://%s names a machine: a folder on this one has three slashes, file:///PATH", u.Host)
		}
		if u.Path == "" || u.RawQuery != "" {
			return nil, errors.New("the location of a folder is file:///PATH, without parameters")
		}
		return opened(Folder(u.Path))
	case "s3":
		config, err := s3Location(u)
		if err != nil {
			return nil, err
		}
		return opened(S3(config))
	}
	return nil, fmt.Errorf("there is no store for %s://: give a folder, file:///PATH or s3://BUCKET/PREFIX", u.Scheme)
}

// opened keeps a nil pointer from becoming a Store that is not nil.
func opened[S Store](s S, err error) (Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

func s3Location(u *url.URL) (S3Config, error) {
	config := S3Config{Bucket: u.Host, Prefix: u.Path}
	if u.Host == "" {
		return config, errors.New("the location of the blobs has no bucket: write s3://BUCKET/PREFIX")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return config, fmt.Errorf("the parameters of s3://%s are not as in a URL: write NAME=VALUE, with & in between", u.Host)
	}
	for name, values := range query { // in any order: one error is enough
		if len(values) != 1 || values[0] == "" {
			return config, fmt.Errorf("the parameter %s of s3://%s needs one value", name, u.Host)
		}
		switch name {
		case "endpoint":
			config.Endpoint = values[0]
		case "region":
			config.Region = values[0]
		case "insecure":
			if config.Insecure, err = strconv.ParseBool(values[0]); err != nil {
				return config, fmt.Errorf("the parameter insecure of s3://%s is true or false", u.Host)
			}
		default: // its value may be a secret
			return config, fmt.Errorf("s3://%s has an unknown parameter %.40q: there are endpoint, region and insecure; for credentials, %s", u.Host, name, whereSecretsAre)
		}
	}
	return config, nil
}
