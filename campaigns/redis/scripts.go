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
	commit, delivery, peek, take, claim, counts, words, raise, index, reserve, unlock, resolve, suppress, pages, known *goredis.Script

	join, renew, leave, openLive, countLive, duty, shown *goredis.Script // nodes

	takeLead *goredis.Script
}{
	tellingScript("commit"), script("delivery"), script("peek"), script("take"), claimScript(), script("counts"), script("words"), script("raise"), script("index"),
	script("reserve"), script("unlock"), script("resolve"), tellingScript("suppress"), script("pages"), script("known"),
	script("join"), script("renew"), script("leave"), script("openlive"), script("countlive"), script("duty"), script("shown"),
	script("takelead"),
}

func script(name string) *goredis.Script { return goredis.NewScript(scriptText(name)) }

// tellingScript is one that may keep events as well.
func tellingScript(name string) *goredis.Script {
	return goredis.NewScript(scriptText("tell") + "\n" + scriptText(name))
}

// claimScript is made of two others, as functions with keys and arguments of their own.
func claimScript() *goredis.Script {
	function := func(name string) string {
		return "local function " + name + "(KEYS, ARGV)\n" + scriptText(name) + "\nend\n"
	}
	return goredis.NewScript(function("peek") + function("take") + scriptText("claim"))
}

func scriptText(name string) string {
	body, err := scriptFiles.ReadFile("scripts/" + name + ".lua")
	if err != nil {
		panic(err) // it is embedded
	}
	return strings.TrimSpace(string(body))
}
