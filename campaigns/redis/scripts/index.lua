-- index keeps which leads a name (a number, an identity, an attempt) belongs to.
-- It is a tree of small hashes: one that grows too big for a listpack is split
-- into four by the next two bits of its names. KEYS[1] is the root; the others
-- begin with it and so lie in its slot.
-- ARGV: get | take | add | remove | move; then name (hashed, 10 bytes), lead and,
-- for move, the lead before, of each.
--   take    gives the name to the lead unless it has one
--   add     adds the lead to those of the name
--   move    gives the name from one lead to another
-- Returns the leads of each name afterwards, parted by commas; '' for none.
local SPLIT = 's' -- the field that says that a hash was split
local MOST = 120

-- digit is the nth two bits of a name.
local function digit(name, n)
  local byte = name:byte(math.floor(n / 4) + 1)
  return math.floor(byte / 4 ^ (n % 4)) % 4
end

local function keyAt(name, depth)
  local path = {KEYS[1]}
  for n = 0, depth - 1 do path[n + 2] = digit(name, n) end
  return table.concat(path)
end

-- leaf finds the hash that a name belongs to, and how deep it lies. Names are spread
-- evenly, so only the first walks there from the root; the others look where the last
-- one was found.
local depth
local function leaf(name)
  if not depth then
    depth = 0
    while redis.call('HEXISTS', keyAt(name, depth), SPLIT) == 1 do depth = depth + 1 end
    return keyAt(name, depth), depth
  end
  while true do
    local key = keyAt(name, depth)
    local names = redis.call('HLEN', key)
    if names == 1 and redis.call('HEXISTS', key, SPLIT) == 1 then
      depth = depth + 1
    elseif names > 0 or depth == 0 or redis.call('HEXISTS', keyAt(name, depth - 1), SPLIT) == 1 then
      return key, depth
    else
      depth = depth - 1
    end
  end
end

local function split(key, depth)
  local all = redis.call('HGETALL', key)
  redis.call('DEL', key)
  redis.call('HSET', key, SPLIT, 1)
  for i = 1, #all, 2 do
    redis.call('HSET', key .. digit(all[i], depth), all[i], all[i + 1])
  end
end

local function without(list, id)
  local kept = {}
  for one in list:gmatch('[^,]+') do
    if one ~= id then kept[#kept + 1] = one end
  end
  return table.concat(kept, ',')
end

local op = ARGV[1]
local out = {}
for i = 2, #ARGV, 3 do
  local name, id, old = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local key, at = leaf(name)
  local have = redis.call('HGET', key, name) or ''
  local want = have
  if op == 'take' and have == '' then
    want = id
  elseif op == 'move' and have == old then
    want = id
  elseif op == 'remove' then
    want = without(have, id)
  elseif op == 'add' and without(have, id) == have then
    want = have == '' and id or have .. ',' .. id
  end
  if want == '' and have ~= '' then
    redis.call('HDEL', key, name)
  elseif want ~= have then
    redis.call('HSET', key, name, want)
    if have == '' and redis.call('HLEN', key) > MOST then split(key, at) end
  end
  out[#out + 1] = want
end
return out
