import { api, ask, type Schemas } from './api'

type Campaign = Schemas['Campaign']

// Versioned is a campaign with the ETag that a change is based on.
export type Versioned = { campaign: Campaign; etag: string }

type Answer = { data?: Campaign; error?: unknown; response: Response }

export async function versioned(request: Promise<Answer>): Promise<Versioned> {
  let etag = ''
  const campaign = await ask(request.then((answer) => {
    etag = answer.response.headers.get('ETag') ?? ''
    return answer
  }))
  return { campaign, etag }
}

export const readCampaign = (id: string) => versioned(api.GET('/api/v1/campaigns/{id}', { params: { path: { id } } }))

// These refuse with 412 where the campaign has changed since, or is there already.
export const saveCampaign = ({ campaign, etag }: Versioned) =>
  versioned(api.PUT('/api/v1/campaigns/{id}', { params: { path: { id: campaign.id }, header: { 'If-Match': etag } }, body: campaign }))
export const makeCampaign = (id: string, body: Schemas['CampaignInput']) =>
  versioned(api.PUT('/api/v1/campaigns/{id}', { params: { path: { id }, header: { 'If-None-Match': '*' } }, body }))
export const savePace = (id: string, etag: string, body: Schemas['PaceInBody']) =>
  versioned(api.PATCH('/api/v1/campaigns/{id}/pacing', { params: { path: { id }, header: { 'If-Match': etag } }, body }))
