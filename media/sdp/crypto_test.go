package sdp

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

const (
	gcmLine = "a=crypto:7 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==|2^31"
	shaLine = "a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
)

func TestAnswerToSRTP(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		tag   string
		suite Suite
		err   error
	}{
		{name: "the suite that we like best", lines: []string{shaLine, gcmLine}, tag: "7", suite: GCM128},
		{name: "the only one", lines: []string{shaLine}, tag: "4", suite: CM128SHA},
		{name: "one of a list that we do not have", lines: []string{"a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:AAAA", shaLine}, tag: "4", suite: CM128SHA},
		{name: "none", err: ErrNoSuite},
		{name: "a short key", lines: []string{"a=crypto:1 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODw=="}, err: ErrNoSuite},
		{name: "no base64", lines: []string{"a=crypto:1 AEAD_AES_128_GCM inline:***"}, err: ErrNoSuite},
		{name: "no key", lines: []string{"a=crypto:1 AEAD_AES_128_GCM"}, err: ErrNoSuite},
		{name: "a key index", lines: []string{shaLine + "|2^20|1:4"}, err: ErrNoSuite},
		{name: "unencrypted after all", lines: []string{shaLine + " UNENCRYPTED_SRTP"}, err: ErrNoSuite},
		{name: "two keys", lines: []string{shaLine + ";inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"}, err: ErrNoSuite},
		{name: "no tag", lines: []string{strings.Replace(shaLine, "4 ", "x ", 1)}, err: ErrNoSuite},
	}
	for _, tt := range tests {
		offer, err := Parse(description(append([]string{"m=audio 4000 RTP/SAVP 0"}, tt.lines...)...))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		ours := Offer(9, here, both)
		ours.RequireSRTP(NewCryptos())
		answer, agreed, err := Answer(offer, ours)
		if !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.err)
		}
		if err != nil || tt.err != nil {
			continue
		}
		i := slices.IndexFunc(ours.Cryptos, func(c Crypto) bool { return c.Suite == tt.suite })
		want := Crypto{tt.tag, tt.suite, ours.Cryptos[i].Key}
		if len(answer.Cryptos) != 1 || answer.Cryptos[0] != want || answer.Protocol != savp {
			t.Errorf("%s: answered %s %+v, want %+v", tt.name, answer.Protocol, answer.Cryptos, want)
		}
		their := offer.Cryptos[slices.IndexFunc(offer.Cryptos, func(c Crypto) bool { return c.Suite == tt.suite })].Key
		if want := (Secret{tt.suite, ours.Cryptos[i].Key, their}); agreed.Secret != want {
			t.Errorf("%s: agreed on %+v, want %+v", tt.name, agreed.Secret, want)
		}
	}
}

// Both sides have each other's keys, and two calls have none in common.
func TestKeysCross(t *testing.T) {
	seen := map[string]bool{}
	for range 20 {
		ours, theirs := Offer(9, here, both), Offer(8, here, both)
		ours.RequireSRTP(NewCryptos())
		theirs.RequireSRTP(NewCryptos())
		offer, err := Parse(ours.Marshal())
		if err != nil || !offer.Secure() || len(offer.Cryptos) != len(suites) {
			t.Fatalf("offer %q is read as %+v, %v", ours.Marshal(), offer, err)
		}
		answer, there, err := Answer(offer, theirs)
		if err != nil {
			t.Fatal(err)
		}
		if answer, err = Parse(answer.Marshal()); err != nil {
			t.Fatal(err)
		}
		here, err := Accept(ours, answer)
		if err != nil || here.Secret.Ours != there.Secret.Their || here.Secret.Their != there.Secret.Ours || here.Secret.Suite != GCM128 {
			t.Fatalf("%+v and %+v, %v", here.Secret, there.Secret, err)
		}
		for _, c := range slices.Concat(ours.Cryptos, theirs.Cryptos) {
			if seen[c.Key] {
				t.Fatal("a key is used twice")
			}
			seen[c.Key] = true
		}
	}
}

// Nobody gets plain RTP who asked for SRTP, nor the other way.
func TestNoSilentDowngrade(t *testing.T) {
	secure := Offer(9, here, both)
	secure.RequireSRTP(NewCryptos())
	plain := Offer(8, here, both)
	other := Offer(7, here, both)
	other.RequireSRTP([]Crypto{{"9", GCM128, strings.Repeat("k", 28)}})
	for name, err := range map[string]error{
		"plain answer": second(Accept(secure, plain)), "SRTP answer": second(Accept(plain, secure)),
	} {
		if !errors.Is(err, ErrNotSecure) {
			t.Errorf("%s: %v, want ErrNotSecure", name, err)
		}
	}
	if err := second(Accept(secure, other)); !errors.Is(err, ErrNoSuite) {
		t.Errorf("answer under a tag that was not offered: %v, want ErrNoSuite", err)
	}
	if _, _, err := Answer(plain, secure); !errors.Is(err, ErrNotSecure) {
		t.Errorf("plain offer where SRTP is required: %v, want ErrNotSecure", err)
	}
}

func second(_ Agreed, err error) error { return err }
