-- duty notes that an operator is on duty at a node, or is not any more.
-- KEYS: nodes, duties. ARGV: operator, node, term, number of what the node says, 'on' or 'off'.
-- Returns '' where that is so now, else why not: 'lost', 'stale', or the node that has
-- the operator, after a colon.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local user, node, term, nth, is = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]

-- alive says whether the lease of a node runs, under a term.
local function alive(name, under)
  local t, ends = (redis.call('HGET', KEYS[1], name) or ''):match('^(.-)\31(.-)\31')
  return t == under and tonumber(ends) > now
end

local at, since, last, was = (redis.call('HGET', KEYS[2], user) or ''):match('^(.-)\31(.-)\31(.-)\31(.-)$')
local ours = at == node and since == term
if ours and tonumber(last) > nth then
  return is == 'on' and was == 'off' and 'stale' or ''
end
if is == 'on' then
  if not alive(node, term) then
    return 'lost'
  end
  if not ours and was == 'on' and alive(at, since) then
    return ':' .. at
  end
elseif not ours then
  return '' -- somebody else has the operator, or nobody
end
-- That it ended is kept as well: a beginning that comes late must not count.
redis.call('HSET', KEYS[2], user, table.concat({node, term, ARGV[4], is}, '\31'))
return ''
