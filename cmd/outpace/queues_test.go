package main

import (
	"bytes"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
)

func TestPrintQueues(t *testing.T) {
	var out bytes.Buffer
	printQueues(&out, campaigns.CampaignQueues{
		Campaign: "c", Rebuild: &campaigns.Rebuild{Campaign: "c", Done: 500, Total: 2000, Problem: "disk full"},
		Queues: []campaigns.QueueInfo{
			{QueueID: campaigns.QueueID{Segment: "hot", Window: "Europe/Warsaw|PL", Operator: "ann"}, Ready: 1},
			{QueueID: campaigns.QueueID{Segment: "hot", Window: "Europe/Warsaw|PL", New: true}, Ready: 20, Waiting: 3},
		},
	})
	want := `queues of c are being rebuilt: 25 % (500 of 2000 leads); it is tried again after: disk full
segment              who              ready   waiting  window
hot                  ann                  1         0  Europe/Warsaw|PL
hot                  never tried         20         3  Europe/Warsaw|PL
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
