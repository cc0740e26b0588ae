package redis

import (
	"embed"
	"strings"

	goredis "github.com/redis/go-redis/v9"
)

//go:embed scripts/*.lua
var scriptFiles embed.FS

// scripts are the atomic steps that need more than a check and some writes.
// Redis keeps them by their digest; a server that does not know one yet is given
// its text.
var scripts = struct {
	commit, peek, take, counts, words, raise, index, reserve, unlock, resolve, suppress *goredis.Script
}{
	script("commit"), script("peek"), script("take"), script("counts"), script("words"), script("raise"), script("index"),
	script("reserve"), script("unlock"), script("resolve"), script("suppress"),
}

func script(name string) *goredis.Script {
	body, err := scriptFiles.ReadFile("scripts/" + name + ".lua")
	if err != nil {
		panic(err) // it is embedded
	}
	return goredis.NewScript(strings.TrimSpace(string(body)))
}
