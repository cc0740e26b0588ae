-- openlive opens the book of live answers of a campaign.
-- KEYS: the book, the shares of its budget. ARGV: a new book's name, 'base' or '';
-- then quarter, live and abandoned of each count of the base.
-- Returns {'first'} where a base is wanted, else everything in the book.
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HLEN', KEYS[2]) == 0 then
  if ARGV[2] ~= 'base' then
    return {'first'}
  end
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'book', ARGV[1], 'version', '1', 'live', '0', 'abandoned', '0')
  for i = 3, #ARGV, 3 do
    redis.call('HSET', KEYS[1], 'l' .. ARGV[i], ARGV[i + 1], 'a' .. ARGV[i], ARGV[i + 2])
  end
end
return redis.call('HGETALL', KEYS[1])
