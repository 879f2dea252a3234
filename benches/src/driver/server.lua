-- What wrk does for the scenarios of the server: posts a text of so many KiB, and says what it counted in a line of JSON.

function init(args)
  local words = { "acquire", "release", "reset", "retain", "slot", "private", "shared", "steal", "refill", "victim" }
  local random = 1
  local function below(n)
    -- A linear congruence, small enough for a double.
    random = (random * 16807) % 2147483647
    return random % n
  end
  local text, length = {}, 0
  while length < 1024 * tonumber(args[1]) do
    local piece = words[1 + below(#words)] .. " " .. below(1000) .. " "
    text[#text + 1], length = piece, length + #piece
  end
  wrk.method, wrk.body = "POST", table.concat(text)
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format('{"requests":%d,"micros":%d,"p50":%d,"p99":%d,"p999":%d,"failed":%d}', summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), failed))
end
