"""An MCP server over stdio in Python's standard library alone: one JSON message per line, nothing else on stdout."""

import json
import statistics
import sys
import threading
import time

REVISIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]
README = "signalbox-example://readme"

NUMBERS = {"type": "array", "items": {"type": "number"}, "minItems": 1, "description": "The numbers to look at"}
TOOLS = [
    {
        "name": "describe_numbers",
        "title": "Describe numbers",
        "description": "Tells the mean, median and range of a list of numbers.",
        "inputSchema": {"type": "object", "properties": {"numbers": NUMBERS}, "required": ["numbers"], "additionalProperties": False},
        "outputSchema": {
            "type": "object",
            "properties": {name: {"type": "number"} for name in ("mean", "median", "smallest", "largest")},
            "required": ["mean", "median", "smallest", "largest"],
        },
        "annotations": {"readOnlyHint": True, "idempotentHint": True},
    },
    {
        "name": "count_down",
        "title": "Count down",
        "description": "Counts down to zero, ten steps a second, and reports its progress. Can be cancelled.",
        "inputSchema": {
            "type": "object",
            "properties": {"start": {"type": "integer", "minimum": 1, "maximum": 600}},
            "required": ["start"],
            "additionalProperties": False,
        },
        "annotations": {"readOnlyHint": True},
    },
]

output_lock = threading.Lock()
calls = {}  # request id -> threading.Event that cancels the call


class Refusal(Exception):
    """A request we cannot answer: becomes a JSON-RPC error."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class ToolFailure(Exception):
    """A tool that failed: becomes a result the model can read."""


def send(message):
    line = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False)
    with output_lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def describe_numbers(arguments, _context):
    numbers = arguments.get("numbers")
    if not isinstance(numbers, list) or not numbers:
        raise ToolFailure('"numbers" must be a list of at least one number')
    if any(isinstance(number, bool) or not isinstance(number, (int, float)) for number in numbers):
        raise ToolFailure('"numbers" must hold numbers only')
    return {
        "mean": statistics.fmean(numbers),
        "median": statistics.median(numbers),
        "smallest": min(numbers),
        "largest": max(numbers),
    }


def count_down(arguments, context):
    start = arguments.get("start")
    if isinstance(start, bool) or not isinstance(start, int) or not 1 <= start <= 600:
        raise ToolFailure('"start" must be an integer from 1 to 600')
    for done in range(1, start + 1):
        if context["cancelled"].wait(0.1):
            return None
        if context["token"] is not None:
            progress = {"progressToken": context["token"], "progress": done, "total": start, "message": f"{start - done} to go"}
            send({"method": "notifications/progress", "params": progress})
    return f"Counted down from {start}"


RUN = {"describe_numbers": describe_numbers, "count_down": count_down}


def call_tool(params, context):
    run = RUN.get(params.get("name"))
    if run is None:
        raise Refusal(-32602, f"Unknown tool: {params.get('name')}")
    try:
        value = run(params.get("arguments") or {}, context)
    except ToolFailure as failure:
        return {"content": [{"type": "text", "text": str(failure)}], "isError": True}
    if isinstance(value, dict):
        return {"content": [{"type": "text", "text": json.dumps(value)}], "structuredContent": value}
    return {"content": [{"type": "text", "text": str(value)}]}


def read_resource(params):
    if params.get("uri") != README:
        raise Refusal(-32002, f"Resource not found: {params.get('uri')}")
    text = f"Two tools in Python {sys.version_info.major}, running since {time.strftime('%Y-%m-%dT%H:%M:%SZ', STARTED)}."
    return {"contents": [{"uri": README, "mimeType": "text/plain", "text": text}]}


def initialize(params):
    asked = params.get("protocolVersion")
    return {
        "protocolVersion": asked if asked in REVISIONS else REVISIONS[0],
        "capabilities": {"tools": {}, "resources": {}},
        "serverInfo": {"name": "python-example", "version": "0.1.0"},
        "instructions": "Describes lists of numbers, and counts down.",
    }


def answer(method, params, context):
    if method == "initialize":
        return initialize(params)
    if method == "ping":
        return {}
    if method == "tools/list":
        return {"tools": TOOLS}
    if method == "tools/call":
        return call_tool(params, context)
    if method == "resources/list":
        return {"resources": [{"uri": README, "name": "readme", "mimeType": "text/plain"}]}
    if method == "resources/templates/list":
        return {"resourceTemplates": []}
    if method == "resources/read":
        return read_resource(params)
    raise Refusal(-32601, f"Method not found: {method}")


def work(request_id, method, params, cancelled):
    token = (params.get("_meta") or {}).get("progressToken")
    try:
        message = {"result": answer(method, params, {"cancelled": cancelled, "token": token})}
    except Refusal as refusal:
        message = {"error": {"code": refusal.code, "message": str(refusal)}}
    except Exception as error:
        print(f"{method} failed: {error!r}", file=sys.stderr)
        message = {"error": {"code": -32603, "message": "The server failed; its log has the reason"}}
    calls.pop(request_id, None)
    if not cancelled.is_set():
        send({"id": request_id, **message})


def receive(line):
    try:
        message = json.loads(line)
    except ValueError:
        send({"id": None, "error": {"code": -32700, "message": "Not JSON"}})
        return
    if not isinstance(message, dict) or not isinstance(message.get("params", {}), dict):
        send({"id": None, "error": {"code": -32600, "message": "Not a message"}})
        return
    method, params = message.get("method"), message.get("params", {})
    request_id = message.get("id")
    if "id" in message and (isinstance(request_id, bool) or not isinstance(request_id, (str, int))):
        send({"id": None, "error": {"code": -32600, "message": "An id is text or an integer"}})
    elif "id" in message and method is not None:
        cancelled = calls[request_id] = threading.Event()
        if method == "tools/call":
            # A thread of its own, so that pings and cancellations are heard while a tool works.
            threading.Thread(target=work, args=(request_id, method, params, cancelled)).start()
        else:
            work(request_id, method, params, cancelled)
    elif method == "notifications/cancelled" and params.get("requestId") in calls:
        calls[params["requestId"]].set()


STARTED = time.gmtime()

if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8")
    sys.stdout.reconfigure(encoding="utf-8")
    for line in sys.stdin:
        if line.strip():
            receive(line)
    for cancelled in list(calls.values()):
        cancelled.set()
