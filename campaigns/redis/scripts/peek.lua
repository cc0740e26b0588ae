-- peek makes due entries ready and returns the best that nobody holds.
-- KEYS: held; then ready and waiting of each queue.
-- ARGV: now and the moment after it as 8 bytes, limit, how many to promote.
-- Returns queue (from 1), score and member of each, best first.
local now, after, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local queues = (#KEYS - 1) / 2

-- Times are compared byte by byte: the order of strings depends on the locale.
local function before(a, b)
  for i = 1, 8 do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return false
end

local function lead(member)
  local n = 0
  for i = 9, 13 do n = n * 256 + member:byte(i) end
  return string.format('%.0f', n)
end

local function promote(ready, waiting)
  local due = redis.call('ZRANGEBYLEX', waiting, '-', '(' .. after, 'LIMIT', 0, ARGV[4])
  for _, m in ipairs(due) do
    redis.call('ZREM', waiting, m)
    redis.call('ZADD', ready, string.format('%.17g', 0 - struct.unpack('>d', m:sub(9, 16))), m:sub(1, 8) .. m:sub(17))
  end
end

local line = {}
for q = 1, queues do
  promote(KEYS[2 * q], KEYS[2 * q + 1])
  line[q] = {read = {}, at = 1, offset = 0}
end

-- head is the next good entry of a queue; those that became ready before the
-- clock was set back wait again.
local portion = math.max(4, math.ceil(2 * limit / queues))
local early = {}
local function head(q)
  local l = line[q]
  while not l.empty do
    if l.at > #l.read then
      l.read = redis.call('ZRANGE', KEYS[2 * q], l.offset, l.offset + portion - 1, 'WITHSCORES')
      l.offset, l.at = l.offset + portion, 1
      if #l.read == 0 then l.empty = true end
    else
      local member = l.read[l.at]
      if not before(member, after) then
        early[#early + 1] = {q, member, l.read[l.at + 1]}
      elseif redis.call('HEXISTS', KEYS[1], lead(member)) == 0 then
        return member, l.read[l.at + 1]
      end
      l.at = l.at + 2
    end
  end
end

local best = {}
local heads, scores = {}, {}
for q = 1, queues do heads[q], scores[q] = head(q) end
while #best < 3 * limit do
  local b
  for q = 1, queues do
    if heads[q] then
      local x, y = tonumber(scores[q]), b and tonumber(scores[b])
      -- equals go by the order of the queues
      if not b or x < y or (x == y and before(heads[q], heads[b])) then b = q end
    end
  end
  if not b then break end
  best[#best + 1] = b
  best[#best + 1] = scores[b]
  best[#best + 1] = heads[b]
  line[b].at = line[b].at + 2
  heads[b], scores[b] = head(b)
end

for _, e in ipairs(early) do
  redis.call('ZREM', KEYS[2 * e[1]], e[2])
  redis.call('ZADD', KEYS[2 * e[1] + 1], 0, e[2]:sub(1, 8) .. struct.pack('>d', 0 - tonumber(e[3])) .. e[2]:sub(9))
end
return best
