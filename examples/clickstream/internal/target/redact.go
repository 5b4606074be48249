package target

import "regexp"

// password is what stands between a user's name and the host in a URL, or behind a password parameter.
var password = regexp.MustCompile(`(://[^:/@\s]*:)[^@\s]*@|((?i:password)=)[^&\s"']*`)

// Redact takes passwords out of text that is printed: errors and command lines may quote a sink's URL.
func Redact(text string) string {
	return password.ReplaceAllStringFunc(text, func(m string) string {
		parts := password.FindStringSubmatch(m)
		if parts[1] != "" {
			return parts[1] + "***@"
		}
		return parts[2] + "***"
	})
}
