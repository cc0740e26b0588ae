package redis

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/fnv"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// pageLeads is how many leads share a hash: few enough that a write moves only
// some kilobytes, many enough that the hash itself costs a lead nearly nothing.
const pageLeads = 32

// keys names what is kept. The part in braces decides the slot of Redis Cluster:
// what has it in common can be changed in one step.
type keys struct {
	space  string
	shards int
}

// general is the prefix of what is kept once.
func (k keys) general() string { return "{" + k.space + ":g}" }

// leads is the prefix of a shard of leads.
func (k keys) leads(shard int) string { return "{" + k.space + ":l" + strconv.Itoa(shard) + "}" }

// names is the prefix of a shard of numbers and other names.
func (k keys) names(shard int) string { return "{" + k.space + ":n" + strconv.Itoa(shard) + "}" }

// pacing is the prefix of the pacing log of a campaign.
func (k keys) pacing(c campaigns.CampaignID) string { return "{" + k.space + ":p:" + string(c) + "}" }

func (k keys) shardOf(id campaigns.LeadID) int { return int(int64(id) % int64(k.shards)) }

// page is the hash that holds a lead, and its field there.
func (k keys) page(id campaigns.LeadID) (key, field string) {
	local := int64(id) / int64(k.shards)
	return k.pageKey(k.shardOf(id), local/pageLeads), strconv.FormatInt(local%pageLeads, 10)
}

func (k keys) pageKey(shard int, page int64) string {
	return k.leads(shard) + "p:" + strconv.FormatInt(page, 10)
}

// pageLead is the lead of a field of a page.
func (k keys) pageLead(shard int, page, field int64) campaigns.LeadID {
	return campaigns.LeadID((page*pageLeads+field)*int64(k.shards) + int64(shard))
}

// nameShard is where a number or another name is kept.
func (k keys) nameShard(name string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return int(h.Sum32() % uint32(k.shards))
}

// number is the hash of the calls to a number.
func (k keys) number(e164 string) string { return k.names(k.nameShard(e164)) + "c:" + e164 }

// digest is the form in which a name stands in the index.
func digest(name string) string {
	sum := sha256.Sum256([]byte(name))
	return string(sum[:10])
}

// queueKeys are the sorted sets of a queue in a shard.
func (k keys) queueKeys(shard int, q campaigns.QueueID) (ready, waiting string) {
	name := string(q.Campaign) + ":" + q.Segment + ":" + windowName(q)
	return k.leads(shard) + "r:" + name, k.leads(shard) + "w:" + name
}

// windowName is the window class of a queue and what else tells it apart.
func windowName(q campaigns.QueueID) string {
	switch {
	case q.Operator != "":
		return string(q.Window) + "\x1eoperator " + string(q.Operator)
	case q.New:
		return string(q.Window) + "\x1enew"
	}
	return string(q.Window)
}

// readWindowName reads what windowName made.
func readWindowName(name string, q *campaigns.QueueID) {
	window, kind, _ := strings.Cut(name, "\x1e")
	q.Window, q.New = campaigns.WindowClass(window), kind == "new"
	if operator, found := strings.CutPrefix(kind, "operator "); found {
		q.Operator = campaigns.UserID(operator)
	}
}

// sortable is a time as 8 bytes that sort as times do.
func sortable(t time.Time) string {
	return string(binary.BigEndian.AppendUint64(nil, uint64(stamp(t))^(1<<63)))
}

func fromSortable(s string) time.Time {
	return moment(int64(binary.BigEndian.Uint64([]byte(s)) ^ (1 << 63)))
}

// sortableID is a lead id as 5 bytes.
func sortableID(id campaigns.LeadID) string {
	return string(binary.BigEndian.AppendUint64(nil, uint64(id))[3:])
}

// readyMember is an entry in a ready set, whose score is minus the priority:
// equals sort by time, then by lead.
func readyMember(due time.Time, id campaigns.LeadID) string { return sortable(due) + sortableID(id) }

// waitingMember is an entry in a waiting set, whose scores are all 0. It carries
// the priority for the day it is ready.
func waitingMember(due time.Time, priority float64, id campaigns.LeadID) string {
	rank := binary.BigEndian.AppendUint64(nil, math.Float64bits(priority+0)) // no minus zero
	return sortable(due) + string(rank) + sortableID(id)
}

// memberLead is the lead of a ready member.
func memberLead(member string) campaigns.LeadID {
	return campaigns.LeadID(binary.BigEndian.Uint64(append([]byte{0, 0, 0}, member[8:13]...)))
}

// score is the score of a priority in a ready set.
func score(priority float64) string { return strconv.FormatFloat(0-priority, 'g', -1, 64) }

// stamp gives the form in which a time is kept.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// moment reads what stamp made.
func moment(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}
