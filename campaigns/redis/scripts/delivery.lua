-- delivery keeps the deliveries of one endpoint. KEYS: the prefix of their keys.
-- ARGV: what to do, and its arguments.
local p = KEYS[1]
local function queue(key) return p .. 'q:' .. key end

-- lineup makes a key due when its first delivery is.
local function lineup(key)
  local head = redis.call('ZRANGE', queue(key), 0, 0)[1]
  if head then
    redis.call('ZADD', p .. 'due', redis.call('HGET', p .. 'times', head), key)
  else
    redis.call('ZREM', p .. 'due', key)
  end
end

local function count(kind, n, bytes)
  redis.call('HINCRBY', p .. 'size', kind, n)
  redis.call('HINCRBY', p .. 'size', kind .. '_bytes', bytes)
end

local function size(id) return tonumber(redis.call('HGET', p .. 'sizes', id)) end

local act = ARGV[1]
if act == 'add' then -- id, key, due, size, delivery
  local id, key = ARGV[2], ARGV[3]
  if redis.call('EXISTS', p .. 'there') == 0 then
    return 'gone'
  end
  if redis.call('HEXISTS', p .. 'deliveries', id) == 1 then
    return 'ok'
  end
  local seq = redis.call('INCR', p .. 'seq')
  redis.call('HSET', p .. 'deliveries', id, ARGV[6])
  redis.call('HSET', p .. 'keys', id, key)
  redis.call('HSET', p .. 'times', id, ARGV[4])
  redis.call('HSET', p .. 'sizes', id, ARGV[5])
  redis.call('ZADD', p .. 'order', seq, id)
  redis.call('ZADD', p .. 'waiting', seq, id)
  redis.call('ZADD', queue(key), seq, id)
  count('waiting', 1, ARGV[5])
  lineup(key)
elseif act == 'due' then -- now, limit
  local found = {}
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', p .. 'due', '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])) do
    local id = redis.call('ZRANGE', queue(key), 0, 0)[1]
    found[#found + 1] = redis.call('ZSCORE', p .. 'order', id)
    found[#found + 1] = redis.call('HGET', p .. 'deliveries', id)
  end
  return found
elseif act == 'save' or act == 'resend' then -- holder ('' for resend), id, waits, due, delivery
  local id = ARGV[3]
  if act == 'save' and (redis.call('GET', p .. 'holder') or '') ~= ARGV[2] then
    return 'stale'
  end
  local key = redis.call('HGET', p .. 'keys', id)
  if not key then
    return 'gone'
  end
  redis.call('HSET', p .. 'deliveries', id, ARGV[6])
  redis.call('HSET', p .. 'times', id, ARGV[5])
  local seq, bytes = redis.call('ZSCORE', p .. 'order', id), size(id)
  if ARGV[4] == '1' then
    if redis.call('ZADD', p .. 'waiting', seq, id) == 1 then
      redis.call('ZREM', p .. 'over', id)
      redis.call('ZADD', queue(key), seq, id)
      count('over', -1, -bytes)
      count('waiting', 1, bytes)
    end
  elseif redis.call('ZREM', p .. 'waiting', id) == 1 then
    redis.call('ZREM', queue(key), id)
    redis.call('ZADD', p .. 'over', seq, id)
    count('waiting', -1, -bytes)
    count('over', 1, bytes)
  end
  lineup(key)
elseif act == 'drop' then -- id
  local id = ARGV[2]
  local key = redis.call('HGET', p .. 'keys', id)
  if not key then
    return 'gone'
  end
  local bytes = size(id)
  if redis.call('ZREM', p .. 'waiting', id) == 1 then
    count('waiting', -1, -bytes)
    redis.call('HINCRBY', p .. 'size', 'dropped', 1)
    redis.call('HSET', p .. 'size', 'dropped_at', redis.call('TIME')[1])
  else
    redis.call('ZREM', p .. 'over', id)
    count('over', -1, -bytes)
  end
  redis.call('ZREM', p .. 'order', id)
  redis.call('ZREM', queue(key), id)
  for _, hash in ipairs({'deliveries', 'keys', 'times', 'sizes'}) do
    redis.call('HDEL', p .. hash, id)
  end
  lineup(key)
elseif act == 'hold' then -- holder, milliseconds
  local holder = redis.call('GET', p .. 'holder')
  if redis.call('EXISTS', p .. 'there') == 0 or holder and holder ~= ARGV[2] then
    return 'no'
  end
  redis.call('SET', p .. 'holder', ARGV[2], 'PX', ARGV[3])
elseif act == 'free' then -- holder
  if redis.call('GET', p .. 'holder') == ARGV[2] then
    redis.call('DEL', p .. 'holder')
  end
elseif act == 'delete' then
  for _, key in ipairs(redis.call('ZRANGE', p .. 'due', 0, -1)) do
    redis.call('UNLINK', queue(key))
  end
  for _, name in ipairs({'there', 'holder', 'seq', 'deliveries', 'keys', 'times', 'sizes', 'order', 'waiting', 'over', 'due', 'size'}) do
    redis.call('UNLINK', p .. name)
  end
end
return 'ok'
