// The address: the path says which page, what follows # which thing of it.
const itemOf = () => /^#([a-z0-9-]+)$/.exec(location.hash)?.[1] ?? ''
let path = $state(location.pathname)
let item = $state(itemOf())

function read() {
  path = location.pathname
  item = itemOf()
}
addEventListener('popstate', read)

export const route = {
  get path() {
    return path
  },
  get item() {
    return item
  },
}

// go shows another page; onclick of its link.
export function go(event: MouseEvent & { currentTarget: HTMLAnchorElement }) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return // a tab of its own
  event.preventDefault()
  visit(event.currentTarget.href)
}

// visit shows another page.
export function visit(address: string) {
  history.pushState(null, '', address)
  read()
}

// forget takes what follows # out of the address.
export function forget() {
  history.replaceState(null, '', location.pathname)
  read()
}
