package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

const secretPrefix = "whsec_"

// NewSecret makes a key of 32 random bytes in the form that receivers' libraries take.
func NewSecret() string {
	var key [32]byte
	rand.Read(key[:]) // never fails (crypto/rand)
	return secretPrefix + base64.StdEncoding.EncodeToString(key[:])
}

// Sign is the header webhook-signature: one signature for each secret that is not over,
// separated by blanks. Source: the Standard Webhooks specification.
func Sign(id string, at time.Time, body []byte, secrets []campaigns.Secret) (string, error) {
	var all []string
	for _, s := range secrets {
		if !s.Until.IsZero() && !at.Before(s.Until) {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.Text, secretPrefix))
		if err != nil {
			return "", fmt.Errorf("webhook: a secret is not base64: %w", err)
		}
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%d.%s", id, at.Unix(), body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, " "), nil
}
