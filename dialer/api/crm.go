package api

import (
	"strconv"

	"github.com/outpace-dialer/outpace/dialer"
)

// crmURL is where the page about the person on the screen is, elsewhere; empty where
// there is none. A number that is masked in the view is masked there.
func crmURL(v dialer.OperatorView) string {
	if v.Lead == nil || v.CRM.URL == "" {
		return ""
	}
	return v.CRM.Fill(func(name string) string {
		switch name {
		case "phone":
			return v.Number
		case "id":
			return strconv.FormatInt(int64(v.Lead.ID), 10)
		case "external_id":
			return v.Lead.ExternalID
		case "name":
			return v.Lead.Name
		case "list":
			return string(v.Lead.List)
		case "campaign":
			return string(v.Campaign)
		case "attempt":
			return string(v.Attempt)
		case "operator":
			return string(v.User)
		}
		return v.Lead.Fields[name]
	})
}
