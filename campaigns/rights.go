package campaigns

import "slices"

// Role is what a user is employed for; it gives rights.
type Role string

// The roles.
const (
	RoleOperator   Role = "operator"   // own calls
	RoleLead       Role = "lead"       // team lead: an operator who hears and sees the calls of the team
	RoleManager    Role = "manager"    // campaigns, lists, the floor
	RoleQA         Role = "qa"         // hears recordings
	RoleCompliance Role = "compliance" // do-not-call, audit; reads all, changes no campaign
	RoleAdmin      Role = "admin"      // everything
)

// Right is one thing that a user may do. Routes name the right that they need.
type Right string

// The rights.
const (
	RightCalls      Right = "calls"           // take and make calls as an operator
	RightListen     Right = "listen.barge"    // hear live calls and speak in them
	RightLive       Right = "live.read"       // see the floor
	RightFloor      Right = "floor.write"     // pause operators, end their shifts, put them on another campaign
	RightCampaigns  Right = "campaigns.read"  // see campaigns, queues and forecasts
	RightCampaign   Right = "campaigns.write" // change, start and stop campaigns
	RightPace       Right = "pace.write"      // change the pace of a running campaign
	RightLeads      Right = "leads.read"      // see leads and attempts
	RightLeadsWrite Right = "leads.write"     // import and change leads and lists
	RightExport     Right = "lead.export"     // take leads and attempts out of the product
	RightNumbers    Right = "lead.pii"        // see numbers in full
	RightRecordings Right = "recording.play"
	RightDNCRead    Right = "dnc.read"
	RightDNCWrite   Right = "dnc.write"
	RightDNCRemove  Right = "dnc.remove"
	RightUsersRead  Right = "users.read"
	RightUsers      Right = "users.write"
	RightAudit      Right = "audit.read"
	RightTokens     Right = "tokens"          // make and take back tokens of one's own
	RightWebhooks   Right = "webhooks"        // who is told what happens, and is it delivered
	RightManual     Right = "manual.dial"     // call leads of one's own choice, in campaigns that let operators
	RightManualFor  Right = "manual.dial.for" // have such calls placed for operators: a CRM's click to call
)

var (
	operatorRights = []Right{RightCalls, RightTokens, RightManual}
	leadRights     = append(slices.Clone(operatorRights), RightListen, RightLive, RightFloor, RightCampaigns, RightRecordings)
	managerRights  = append(slices.Clone(leadRights), RightCampaign, RightPace, RightLeads, RightLeadsWrite, RightDNCRead, RightDNCWrite, RightUsersRead, RightWebhooks, RightManualFor)
	qaRights       = []Right{RightTokens, RightRecordings, RightLeads, RightCampaigns, RightUsersRead}
	// Compliance reads all and exports nothing. Numbers leave do-not-call by an admin alone.
	complianceRights = []Right{RightTokens, RightLive, RightCampaigns, RightLeads, RightRecordings, RightDNCRead, RightDNCWrite, RightUsersRead, RightAudit}
	adminRights      = append(slices.Clone(managerRights), RightExport, RightDNCRemove, RightUsers, RightAudit)
)

// Rights are what the role gives.
func (r Role) Rights() []Right {
	switch r {
	case RoleOperator:
		return operatorRights
	case RoleLead:
		return leadRights
	case RoleManager:
		return managerRights
	case RoleQA:
		return qaRights
	case RoleCompliance:
		return complianceRights
	case RoleAdmin:
		return adminRights
	}
	return nil
}

// AllRights are those of all roles and those that are given one by one.
func AllRights() []Right {
	all := slices.Concat(adminRights, complianceRights, []Right{RightNumbers})
	slices.Sort(all)
	return slices.Compact(all)
}

// May says whether a user has a right: by role, or as one of theirs.
func (u User) May(r Right) bool {
	if len(u.Only) > 0 && !slices.Contains(u.Only, r) {
		return false
	}
	if r == RightNumbers && u.SeesNumbers {
		return true
	}
	return slices.Contains(u.Role.Rights(), r) || slices.Contains(u.Rights, r)
}

// MaySee says whether a campaign is one of those that the user may see and change.
func (u User) MaySee(c CampaignID) bool {
	return len(u.Campaigns) == 0 || slices.Contains(u.Campaigns, c)
}
