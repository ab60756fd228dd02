// Everything of one store begins with the same text in braces, so that a cluster keeps it in one place.
// An entry is kept as `<version>:<value>`; a log as a stream whose ids are `<sequence>-0`, with its span beside it.

const PLACES = `
local root = KEYS[1]
local function entries(name) return root .. ':entries:' .. name end
local function keys(name) return root .. ':keys:' .. name end
local function log(name) return root .. ':log:' .. name end
local function versionOf(name, key)
  local kept = redis.call('HGET', entries(name), key)
  return kept and tonumber(string.match(kept, '^(%d+):')) or 0
end
local function spanOf(name)
  local first, last = unpack(redis.call('HMGET', root .. ':spans', name .. ':first', name .. ':last'))
  return tonumber(first or 1), tonumber(last or 0)
end
local function text(number) return string.format('%.0f', number) end
`;

/**
 * One commit: everything is checked before anything is changed. Arguments: how many operations, then for each its kind,
 * name, key or count, condition or nothing, and its values. Returns what each has come to, or which one was refused.
 */
export const COMMIT = `${PLACES}
local at = 2
local function take() at = at + 1; return ARGV[at - 1] end
local operations = {}
for index = 1, tonumber(ARGV[1]) do
  local operation = { kind = take(), name = take(), key = take(), condition = tonumber(take()) }
  if operation.kind == 'put' then operation.value = take() end
  if operation.kind == 'append' then
    operation.from = at
    at = at + tonumber(operation.key)
  end
  operations[index] = operation
end

local tentative = {}
for index, operation in ipairs(operations) do
  local kind, name, condition = operation.kind, operation.name, operation.condition
  if kind == 'put' or kind == 'delete' then
    local place = name .. ' ' .. operation.key
    if condition then
      local found = tentative[place] or versionOf(name, operation.key)
      if found ~= condition then return { 'stale', index - 1, text(math.max(found, 0)) } end
    end
    tentative[place] = kind == 'put' and -1 or 0
  elseif kind == 'append' then
    local _, last = spanOf(name)
    local place = 'log ' .. name
    local next = tentative[place] or last + 1
    if condition and condition ~= next and next > 1 then return { 'stale', index - 1, text(next) } end
    tentative[place] = (condition or next) + tonumber(operation.key)
  elseif kind == 'forget' then
    tentative['log ' .. name] = 1
  end
end

local results = {}
local changed, seen = { collections = {}, logs = {} }, {}
local function touch(group, name)
  if not seen[group .. name] then
    seen[group .. name] = true
    table.insert(changed[group], name)
  end
end
for index, operation in ipairs(operations) do
  local kind, name, key = operation.kind, operation.name, operation.key
  results[index] = '0'
  if kind == 'put' then
    local version = text(redis.call('INCR', root .. ':version'))
    redis.call('HSET', entries(name), key, version .. ':' .. operation.value)
    redis.call('ZADD', keys(name), 0, key)
    redis.call('SADD', root .. ':collections', name)
    touch('collections', name)
    results[index] = version
  elseif kind == 'delete' then
    redis.call('HDEL', entries(name), key)
    redis.call('ZREM', keys(name), key)
    if redis.call('EXISTS', keys(name)) == 0 then redis.call('SREM', root .. ':collections', name) end
    touch('collections', name)
  else
    local first, last = spanOf(name)
    if kind == 'append' then
      if last == 0 and operation.condition then first, last = operation.condition, operation.condition - 1 end
      results[index] = text(last + 1)
      for offset = 0, tonumber(key) - 1 do
        last = last + 1
        redis.call('XADD', log(name), text(last) .. '-0', 'v', ARGV[operation.from + offset])
      end
      redis.call('SADD', root .. ':logs', name)
    elseif kind == 'forget' then
      redis.call('DEL', log(name))
      redis.call('HDEL', root .. ':spans', name .. ':first', name .. ':last')
      redis.call('SREM', root .. ':logs', name)
      last = 0
    elseif last > 0 and tonumber(key) > first then
      first = math.min(tonumber(key), last + 1)
      redis.call('XTRIM', log(name), 'MINID', text(first) .. '-0')
    end
    if last > 0 then redis.call('HSET', root .. ':spans', name .. ':first', text(first), name .. ':last', text(last)) end
    touch('logs', name)
  end
end
redis.call('PUBLISH', root .. ':changes', cjson.encode(changed))
return results
`;

/** Entries in the order of their keys, as key, kept text, key and so on. Arguments: collection, bounds, limit. */
export const LIST = `${PLACES}
local found = redis.call('ZRANGEBYLEX', keys(ARGV[1]), ARGV[2], ARGV[3], 'LIMIT', 0, ARGV[4])
local results = {}
for _, key in ipairs(found) do
  table.insert(results, key)
  table.insert(results, redis.call('HGET', entries(ARGV[1]), key))
end
return results
`;

/** The span of a log as text, first and last. */
export const SPAN = `${PLACES}
local first, last = spanOf(ARGV[1])
return { text(first), text(last) }
`;
