-- renew makes the lease of a node begin anew, while it is still its own, and gives
-- the node its shares of limits.
-- KEYS: nodes, limits, then a hash for each limit.
-- ARGV: node, term, lease (milliseconds), number of this renewal, then for each
-- limit: name, total, need, what the node obeys, 'whole' or '', 'lasts' or '', and
-- for the credit of a campaign its book and the version of it that total is of.
-- Returns {} where the lease was over or is somebody else's, else {1, and for each
-- limit: share, nodes that share it, part of this one in the needs, 'stale' or ''}.
--
-- What counts of a node is the most that it may believe to have: a share that is
-- lowered counts in full until the node says that it obeys, one that is raised from
-- now on. So the counts never add up to more than the limit, whichever answers are
-- lost. Of a node whose lease is over nothing counts, or, of what lasts, all until
-- it leaves or is settled.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local me, term = ARGV[1], ARGV[2]
local entry = redis.call('HGET', KEYS[1], me) or ''
local had, ends, rest, last = entry:match('^(.-)\31(.-)\31(.*)\31(.-)$')
if had ~= term or tonumber(ends) <= now or tonumber(last) >= tonumber(ARGV[4]) then
  return {} -- also where this is a message that was overtaken by the next
end
redis.call('HSET', KEYS[1], me, table.concat({term, string.format('%.0f', now + ARGV[3]), rest, ARGV[4]}, '\31'))
if #KEYS == 2 then
  return {1}
end

local terms = {} -- of the nodes whose lease runs
local nodes = redis.call('HGETALL', KEYS[1])
for i = 1, #nodes, 2 do
  local t, e = nodes[i + 1]:match('^(.-)\31(.-)\31')
  if tonumber(e) > now then
    terms[nodes[i]] = t
  end
end

-- fair gives each what it needs, where that is too much the same to all who need
-- more; what is left is spread over all. The order, and so who gets the odd one of
-- what cannot be split, changes every minute.
local function fair(total, needs, whole)
  local n = #needs
  local function part(amount, of)
    if whole then return math.floor(amount / of) end
    return amount / of
  end
  local shift = math.floor(now / 60000) % n
  for i, x in ipairs(needs) do x.turn = (i + shift) % n end
  table.sort(needs, function(a, b)
    if a.need ~= b.need then return a.need < b.need end
    return a.turn < b.turn
  end)
  local left = math.max(0, total)
  for i, x in ipairs(needs) do
    x.share = math.min(x.need, part(left, n - i + 1))
    left = left - x.share
  end
  for i, x in ipairs(needs) do
    local more = part(left, n - i + 1)
    x.share = x.share + more
    left = left - more
  end
end

local function shareOf(key, total, need, obeys, whole, lasts, book, version)
  local needs, others, dead = {{name = me, need = need}}, 0, 0
  local kept = redis.call('HGETALL', key)
  for i = 1, #kept, 2 do
    local node = kept[i]
    local t, counts, wants = kept[i + 1]:match('^(.-)\31(.-)\31(.-)$')
    if node ~= me then
      local alive = terms[node] == t
      if alive then
        needs[#needs + 1] = {name = node, need = tonumber(wants)}
      end
      counts = math.max(0, counts) -- the debt of one is no credit of the others
      if alive or lasts then
        others = others + counts
      end
      if lasts and not alive then
        dead = dead + counts
      end
    end
  end
  table.sort(needs, function(a, b) return a.name < b.name end)
  local all = 0
  for _, x in ipairs(needs) do all = all + x.need end
  local part = 1 / #needs
  if all > 0 then part = need / all end
  local share, stale = 0, ''
  if book ~= '' then
    share = math.min((total - dead) * part, total - others)
    if redis.call('HGET', book, 'version') ~= version then
      share, stale = obeys, 'stale'
    end
  else
    fair(total - dead, needs, whole)
    for _, x in ipairs(needs) do
      if x.name == me then share = x.share end
    end
    share = math.min(share, total - others)
    if whole then share = math.floor(share) end
    share = math.max(0, share)
  end
  redis.call('HSET', key, me, table.concat({term, string.format('%.17g', math.max(share, obeys)), string.format('%.17g', need)}, '\31'))
  return share, #needs, part, stale
end

local out = {1}
for i = 3, #KEYS do
  local a = 5 + (i - 3) * 8
  redis.call('SADD', KEYS[2], ARGV[a])
  local share, sharing, part, stale = shareOf(KEYS[i], tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3]),
    ARGV[a + 4] == 'whole', ARGV[a + 5] == 'lasts', ARGV[a + 6], ARGV[a + 7])
  out[#out + 1] = string.format('%.17g', share)
  out[#out + 1] = string.format('%.0f', sharing)
  out[#out + 1] = string.format('%.17g', part)
  out[#out + 1] = stale
end
return out
