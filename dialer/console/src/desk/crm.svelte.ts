// The person's page in a system of somebody else, in a tab of its own that stays the same
// from call to call. The server makes the address.
const tab = 'outpace-crm'
const kept = 'crm-opened'
let blocked = $state(false)

export const crm = {
  // blocked says that the browser does not let the page open a tab by itself.
  get blocked() {
    return blocked
  },
}

// mayOpen keeps to web pages, whatever the server says.
export const mayOpen = (url: string | undefined) => /^https?:\/\//i.test(url ?? '')

export function openPage(url: string | undefined) {
  if (!url || !mayOpen(url)) return
  // A browser finds a tab by its name only while that knows who opened it, so the page
  // there is trusted as far as that: the campaign's manager chose it.
  blocked = !window.open(url, tab)
}

// openFor opens a page by itself, once for each call; a reload is none.
export function openFor(what: string, url: string | undefined) {
  if (sessionStorage.getItem(kept) === what) return
  sessionStorage.setItem(kept, what)
  openPage(url)
}
