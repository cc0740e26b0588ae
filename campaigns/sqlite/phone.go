package sqlite

import (
	"fmt"
	"strconv"
)

// phone gives the form in which a telephone number is kept: +48225550123 as the
// integer 48225550123. What is no such number (as where a lead has none) stays a text.
func phone(e164 string) any {
	const most = 18 // digits that surely fit
	if len(e164) < 2 || len(e164) > most+1 || e164[0] != '+' || e164[1] < '1' || e164[1] > '9' {
		return e164
	}
	var n int64
	for i := 1; i < len(e164); i++ {
		c := e164[i]
		if c < '0' || c > '9' {
			return e164
		}
		n = n*10 + int64(c-'0')
	}
	return n
}

// phoneOf is phone in SQL, of a column that keeps the text.
func phoneOf(column string) string {
	return `iif(` + column + ` GLOB '+[1-9]*' AND substr(` + column + `, 2) NOT GLOB '*[^0-9]*' AND length(` + column + `) < 20, CAST(substr(` +
		column + `, 2) AS INTEGER), ` + column + `)`
}

// e164 reads what phone made.
type e164 string

// Scan implements sql.Scanner.
func (p *e164) Scan(kept any) error {
	switch v := kept.(type) {
	case int64:
		var b [20]byte
		b[0] = '+'
		*p = e164(strconv.AppendInt(b[:1], v, 10))
	case string:
		*p = e164(v)
	case []byte:
		*p = e164(v)
	default:
		return fmt.Errorf("a telephone number is kept as %T", kept)
	}
	return nil
}
